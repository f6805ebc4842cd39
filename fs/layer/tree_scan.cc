#include "fs/layer/tree_scan.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <map>
#include <memory>
#include <string_view>
#include <unordered_map>

#include "fs/base/endian.h"
#include "fs/base/parallel.h"
#include "fs/crypto/sha256.h"
#include "fs/layer/tree_content.h"
#include "fs/layer/tree_walk.h"

namespace veneer::layer {
namespace {

constexpr std::string_view kListingVersion = "veneer tree 1\n";

struct FreeMemory {
  void operator()(char* memory) const { std::free(memory); }  // NOLINT: realpath's
};

std::string_view ParentOf(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

// Finds out which paths name the same inode, and counts the links as an image of this tree has them: a link
// from elsewhere does not exist there.
void LinkEntries(std::vector<TreeEntry>& entries) {
  std::map<std::pair<uint64_t, uint64_t>, size_t> first;
  std::unordered_map<std::string_view, size_t> folders;
  for (size_t i = 0; i < entries.size(); ++i) {
    TreeEntry& entry = entries[i];
    entry.first_link = i;
    if (entry.IsFolder()) {
      folders.emplace(entry.path, i);
    } else if (entry.nlink > 1) {
      entry.first_link = first.emplace(std::pair(entry.stamp.device, entry.stamp.inode), i).first->second;
    }
    entry.nlink = entry.IsFolder() ? 2 : 0;
  }
  for (size_t i = 1; i < entries.size(); ++i) {
    const TreeEntry& entry = entries[i];
    ++entries[entry.IsFolder() ? folders.at(ParentOf(entry.path)) : entry.first_link].nlink;
  }
  for (TreeEntry& entry : entries) entry.nlink = entries[entry.first_link].nlink;
}

// Reads all files, each inode once.
Status ReadContents(int root, const Progress& progress, TreeListing& listing) {
  std::vector<size_t> files;
  for (size_t i = 0; i < listing.entries.size(); ++i) {
    const TreeEntry& entry = listing.entries[i];
    if (!entry.IsRegular() || entry.first_link != i) continue;
    files.push_back(i);
    listing.content_size += entry.size;
  }
  StageProgress meter(progress, "reading", listing.content_size);
  VENEER_TRY(ParallelFor(files.size(), [&](uint64_t i) {
    TreeEntry& entry = listing.entries[files[i]];
    return ReadContent(root, listing.PathOf(entry), meter, entry);
  }));
  for (TreeEntry& entry : listing.entries) {
    const TreeEntry& first = listing.entries[entry.first_link];
    entry.content = first.content;
    entry.zero_blocks = first.zero_blocks;
  }
  return {};
}

// Feeds a hasher with values so that no two listings give the same bytes.
class ListingHasher {
 public:
  void PutNumber(uint64_t value) {
    const Le64 bytes = value;
    hasher_.Update({reinterpret_cast<const uint8_t*>(&bytes), sizeof bytes});
  }
  void PutText(std::string_view text) {
    PutNumber(text.size());
    hasher_.Update(AsBytes(text));
  }
  Digest Finish() { return hasher_.Finish(); }

 private:
  crypto::Sha256Hasher hasher_;
};

Digest DigestOf(const TreeListing& listing) {
  ListingHasher hasher;
  hasher.PutText(kListingVersion);
  for (const TreeEntry& entry : listing.entries) {
    hasher.PutText(entry.path);
    for (const uint64_t value :
         {uint64_t{entry.mode}, uint64_t{entry.uid}, uint64_t{entry.gid}, entry.size,
          static_cast<uint64_t>(entry.mtime), uint64_t{entry.mtime_nsec}, uint64_t{entry.rdev},
          uint64_t{entry.first_link}, uint64_t{entry.xattrs.size()}}) {
      hasher.PutNumber(value);
    }
    hasher.PutText(entry.target);
    hasher.PutText(AsText(entry.content));
    for (const erofs::Xattr& xattr : entry.xattrs) {
      hasher.PutText(xattr.name);
      hasher.PutText(xattr.value);
    }
  }
  return hasher.Finish();
}

}  // namespace

std::string TreeListing::PathOf(const TreeEntry& entry) const {
  if (entry.path.empty()) return root;
  return root == "/" ? root + entry.path : root + '/' + entry.path;
}

Result<TreeListing> ScanTree(const std::string& tree, const ScanOptions& options) {
  const std::unique_ptr<char, FreeMemory> real(::realpath(tree.c_str(), nullptr));
  if (!real) return FailErrno(errno, tree);
  TreeListing listing;
  listing.root = real.get();
  const UniqueFd root(::open(real.get(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root && errno == ENOTDIR) return Fail(ErrorCode::kUsage, "{}: not a folder", tree);
  if (!root) return FailErrno(errno, tree);

  VENEER_TRY(WalkTree(root.get(), options, listing));
  std::sort(listing.entries.begin(), listing.entries.end(),
            [](const TreeEntry& a, const TreeEntry& b) { return a.path < b.path; });
  LinkEntries(listing.entries);
  VENEER_TRY(ReadContents(root.get(), options.progress, listing));
  listing.digest = DigestOf(listing);
  return listing;
}

}  // namespace veneer::layer
