// What a folder holds, in a form that does not depend on where it lies, on the order in which it was made, or
// on the file system below it. From this come an image's UUID and its time, and a patch's difference.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "fs/base/bytes.h"
#include "fs/base/error.h"
#include "fs/erofs/image.h"
#include "fs/layer/progress.h"

namespace veneer::layer {

// Which version of a source file was seen; not part of the listing's digest.
struct SourceStamp {
  uint64_t device = 0;
  uint64_t inode = 0;
  int64_t ctime = 0;
  uint32_t ctime_nsec = 0;

  bool operator==(const SourceStamp&) const = default;
};

// One path of a tree.
struct TreeEntry {
  std::string path;  // from the tree's root, without a leading '/'; empty for the root itself
  uint16_t mode = 0;
  uint32_t uid = 0;
  uint32_t gid = 0;
  uint64_t size = 0;  // bytes; regular files and symlinks, else 0
  int64_t mtime = 0;  // seconds since 1970
  uint32_t mtime_nsec = 0;
  uint32_t rdev = 0;                 // device nodes, encoded as in erofs::Inode
  std::string target;                // symlinks
  std::vector<erofs::Xattr> xattrs;  // sorted by name, ACLs among them
  size_t first_link = 0;             // index in the listing of the first path of this inode; its own, mostly
  uint32_t nlink = 1;        // paths of the tree that name this inode; for a folder, as st_nlink has it
  Digest content{};          // SHA-256 of a regular file's bytes; all zeros for the rest
  uint64_t zero_blocks = 0;  // whole or last partial blocks of 4096 bytes that are all zeros
  SourceStamp stamp;

  bool IsFolder() const { return (mode & 0170000) == 0040000; }
  bool IsRegular() const { return (mode & 0170000) == 0100000; }
  bool IsSymlink() const { return (mode & 0170000) == 0120000; }
  // An overlayfs whiteout: a character device 0:0.
  bool IsWhiteout() const { return (mode & 0170000) == 0020000 && rdev == 0; }
};

struct TreeListing {
  std::string root;                // the tree's path, absolute and without symlinks
  std::vector<TreeEntry> entries;  // sorted by the bytes of `path`; the root comes first
  uint64_t content_size = 0;       // bytes of all regular files, each inode once
  bool skipped_lost_found = false;
  Digest digest{};  // of all that an image shows: names, metadata, xattrs, content, hard links

  // The path of `entry` in the file system, for messages and for opening.
  std::string PathOf(const TreeEntry& entry) const;
};

struct ScanOptions {
  // Let whiteouts and `trusted.overlay.opaque=y` on folders through, as a patch's tree has them.
  bool allow_overlay_marks = false;
  Progress progress;
};

// Lists the folder `tree` and hashes every file in it, with all cores. No symlink in it is followed. An empty
// `lost+found` at the top belongs to the file system that holds the tree, and is passed over.
//
// kNotFound: there is no `tree`. kUsage, with the path: `tree` is not a folder, or holds what an image
// cannot: another file system mounted in it, a whiteout or an xattr trusted.overlay.* (see ScanOptions), an
// xattr that EROFS has no name for or whose value is too long, a path too long for mkfs.erofs, another name
// that begins with "lost+found" (mkfs.erofs drops those), or a modification time in the last two seconds
// before 1970 (which mkfs.erofs alters). kBusy: a file changed while it was read. kIo.
Result<TreeListing> ScanTree(const std::string& tree, const ScanOptions& options);

}  // namespace veneer::layer
