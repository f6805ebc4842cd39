#include "fs/layer/image_check.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <string_view>
#include <unordered_set>

#include "fs/base/parallel.h"
#include "fs/layer/image_content.h"

namespace veneer::layer {
namespace {

tl::unexpected<Error> Differs(const TreeListing& listing, const TreeEntry& entry, std::string_view what) {
  const std::string path = listing.PathOf(entry);
  struct stat st {};
  const bool same = ::lstat(path.c_str(), &st) == 0 &&
                    SourceStamp{uint64_t{major(st.st_dev)} << 32 | minor(st.st_dev), st.st_ino,
                                st.st_ctim.tv_sec, static_cast<uint32_t>(st.st_ctim.tv_nsec)} == entry.stamp;
  if (!same) return Fail(ErrorCode::kBusy, "{}: changed while it was sealed", path);
  return Fail(ErrorCode::kFailed, "{}: mkfs.erofs wrote an image with another {}", path, what);
}

class Checker {
 public:
  Checker(const TreeListing& listing, const std::vector<ImageName>& names, const erofs::Image& image,
          StageProgress& meter)
      : listing_(listing), names_(names), image_(image), meter_(meter) {}

  Status CheckEntry(size_t i) const {
    const TreeEntry& entry = listing_.entries[i];
    if (names_[i].nid != names_[entry.first_link].nid) return Differs(listing_, entry, "hard link");
    if (entry.first_link != i) return {};
    VENEER_ASSIGN(const erofs::Inode inode, image_.ReadInode(names_[i].nid));
    VENEER_TRY(CheckAttributes(entry, inode));
    VENEER_TRY(CheckXattrs(entry, inode));
    if (entry.IsSymlink()) return CheckTarget(entry, inode);
    return entry.IsRegular() ? CheckContent(entry, inode) : Status();
  }

 private:
  Status CheckAttributes(const TreeEntry& entry, const erofs::Inode& inode) const {
    if (inode.mode != entry.mode) return Differs(listing_, entry, "mode");
    if (inode.uid != entry.uid || inode.gid != entry.gid) return Differs(listing_, entry, "owner");
    if (inode.nlink != entry.nlink) return Differs(listing_, entry, "link count");
    if (inode.mtime != entry.mtime || inode.mtime_nsec != entry.mtime_nsec) {
      return Differs(listing_, entry, "modification time");
    }
    if (!entry.IsFolder() && inode.size != entry.size) return Differs(listing_, entry, "size");
    if (inode.rdev != entry.rdev) return Differs(listing_, entry, "device number");
    return {};
  }

  Status CheckXattrs(const TreeEntry& entry, const erofs::Inode& inode) const {
    VENEER_ASSIGN(std::vector<erofs::Xattr> xattrs, image_.ListXattrs(inode));
    std::sort(xattrs.begin(), xattrs.end());
    return xattrs == entry.xattrs ? Status() : Differs(listing_, entry, "set of xattrs");
  }

  Status CheckTarget(const TreeEntry& entry, const erofs::Inode& inode) const {
    VENEER_ASSIGN(const std::string target, image_.ReadLink(inode));
    return target == entry.target ? Status() : Differs(listing_, entry, "target");
  }

  Status CheckContent(const TreeEntry& entry, const erofs::Inode& inode) const {
    VENEER_ASSIGN(const Digest content, HashContent(image_, inode, &meter_));
    return content == entry.content ? Status() : Differs(listing_, entry, "content");
  }

  const TreeListing& listing_;
  const std::vector<ImageName>& names_;
  const erofs::Image& image_;
  StageProgress& meter_;
};

}  // namespace

Status CheckNames(const TreeListing& listing, const std::vector<ImageName>& names) {
  for (size_t i = 0; i < std::max(names.size(), listing.entries.size()); ++i) {
    const bool here = i < listing.entries.size();
    if (i < names.size() && (!here || names[i].path < listing.entries[i].path)) {
      return Fail(ErrorCode::kBusy, "{}/{}: appeared while the tree was sealed", listing.root, names[i].path);
    }
    if (i == names.size() || names[i].path != listing.entries[i].path) {
      return Differs(listing, listing.entries[i], "listing, where this is left out");
    }
  }
  return {};
}

Status CheckImage(const TreeListing& listing, const erofs::Image& image, const Progress& progress) {
  VENEER_ASSIGN(const std::vector<ImageName> names, ListImage(image));
  VENEER_TRY(CheckNames(listing, names));
  std::unordered_set<erofs::Nid> inodes;
  size_t files = 0;
  for (size_t i = 0; i < names.size(); ++i) {
    inodes.insert(names[i].nid);
    if (listing.entries[i].first_link == i) ++files;
  }
  if (inodes.size() != files) {
    return Fail(ErrorCode::kFailed, "{}: mkfs.erofs wrote {} inodes for {} files", listing.root,
                inodes.size(), files);
  }
  StageProgress meter(progress, "checking", listing.content_size);
  const Checker checker(listing, names, image, meter);
  return ParallelFor(names.size(), [&](uint64_t i) { return checker.CheckEntry(i); });
}

}  // namespace veneer::layer
