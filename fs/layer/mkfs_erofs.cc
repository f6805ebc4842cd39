#include "fs/layer/mkfs_erofs.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <climits>
#include <optional>
#include <vector>

#include "fs/io/process.h"

namespace veneer::layer {
namespace {

// mkfs.erofs collects chunks in a tmpfile(3), which glibc puts here whatever TMPDIR says.
constexpr const char* kChunkFolder = "/tmp";

// The longest name that mkfs.erofs before 1.8 stores, one byte less than Linux allows.
constexpr size_t kLongestOldName = 254;

std::string UuidText(const format::Uuid& uuid) {
  std::string text = ToHex(uuid);
  for (const size_t at : {8U, 13U, 18U, 23U}) text.insert(at, 1, '-');
  return text;
}

std::vector<std::string> CommandFor(const TreeListing& listing, const format::Uuid& uuid,
                                    const std::string& image) {
  // All xattrs go behind their inodes: which ones mkfs.erofs would share, and in what order, depends on the
  // order in which it meets the files.
  std::vector<std::string> command = {"mkfs.erofs", "--quiet", fmt::format("-x{}", INT_MAX), "-U",
                                      UuidText(uuid)};
  if (ChunksAreSmaller(listing)) command.push_back(fmt::format("--chunksize={}", kBlockSize));
  if (listing.skipped_lost_found) command.push_back("--exclude-path=lost+found");
  command.push_back(image);
  command.push_back(listing.root);
  return command;
}

std::optional<std::string> PathWithLongName(const TreeListing& listing) {
  for (const TreeEntry& entry : listing.entries) {
    if (entry.path.size() - (entry.path.rfind('/') + 1) > kLongestOldName) return listing.PathOf(entry);
  }
  return {};
}

bool SaysNoSpace(const std::string& message) {
  return message.find("[Error 28]") != std::string::npos || message.find("[Error 122]") != std::string::npos;
}

}  // namespace

std::string SourceDateEpoch(const TreeListing& listing) {
  int64_t newest = 0;
  for (const TreeEntry& entry : listing.entries) {
    // mkfs.erofs compares times as unsigned numbers: one before 1970 counts as far ahead, and nothing but the
    // highest epoch that it accepts leaves it as it is.
    if (entry.mtime < 0) return std::to_string(UINT64_MAX - 1);
    newest = std::max(newest, entry.mtime + (entry.mtime_nsec > 0 ? 1 : 0));
  }
  return std::to_string(newest);
}

bool ChunksAreSmaller(const TreeListing& listing) {
  uint64_t plain = 0;
  uint64_t chunked = 0;
  for (size_t i = 0; i < listing.entries.size(); ++i) {
    const TreeEntry& entry = listing.entries[i];
    if (!entry.IsRegular() || entry.first_link != i) continue;
    const uint64_t blocks = BlocksFor(entry.size);
    plain += entry.size;
    chunked += (blocks - entry.zero_blocks) * kBlockSize + blocks * sizeof(uint32_t);
  }
  return chunked < plain;
}

Status MakeImage(const TreeListing& listing, const format::Uuid& uuid, const std::string& image,
                 const std::string& name) {
  const Status made = io::RunProgram(CommandFor(listing, uuid, image),
                                     {"SOURCE_DATE_EPOCH=" + SourceDateEpoch(listing), "LC_ALL=C"});
  if (made) return {};
  const Error& error = made.error();
  if (error.code() == ErrorCode::kInterrupted) return made;
  if (error.code() == ErrorCode::kNotFound) {
    return Fail(ErrorCode::kNotFound, "mkfs.erofs is not installed: apt-get install erofs-utils");
  }
  const bool chunked = ChunksAreSmaller(listing);
  if (SaysNoSpace(error.message()) || IsFull(image) || (chunked && IsFull(kChunkFolder))) {
    return Fail(ErrorCode::kNoSpace, "{}: no room for the image of {}{}", name, listing.root,
                chunked ? ", which mkfs.erofs also needs in /tmp" : "");
  }
  if (const auto path = PathWithLongName(listing)) {
    return Fail(ErrorCode::kFailed, "{}: mkfs.erofs before 1.8 fails at a name of 255 bytes, such as this",
                *path);
  }
  return Fail(error.code(), "{}: {}", listing.root, error.message());
}

bool IsFull(const std::string& path) {
  struct statvfs st {};
  if (::statvfs(path.c_str(), &st) != 0) return false;
  return st.f_bavail * st.f_frsize < 16 * uint64_t{kBlockSize};
}

}  // namespace veneer::layer
