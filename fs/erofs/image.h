// Reading an EROFS image: what mkfs.erofs 1.5 writes without compression.
//
// Specification: Linux Documentation/filesystems/erofs.rst and fs/erofs/erofs_fs.h. Compact and extended
// inodes; plain, inline and chunk-based data; holes; inline and shared xattrs; device nodes. The bytes come
// from a BlockSource and are not otherwise trusted: whatever they hold, no read leaves the image, no loop is
// endless, and each error is kCorrupt with a message that names the inode.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fs/base/bytes.h"
#include "fs/base/error.h"
#include "fs/erofs/inode.h"
#include "fs/erofs/superblock.h"
#include "fs/format/erofs_fs.h"
#include "fs/io/block_source.h"

namespace veneer::erofs {

// A name in a folder.
struct DirEntry {
  std::string name;  // 1 to 255 bytes, no NUL, no '/'; "." and ".." are ordinary entries
  Nid nid = 0;
  uint8_t type = 0;  // as in d_type (DT_REG, ...); DT_UNKNOWN where the image says nothing
};

struct Xattr {
  std::string name;  // with its prefix: "user.x", "system.posix_acl_access", "security.capability",
                     // "trusted.overlay.opaque"
  std::string value;

  auto operator<=>(const Xattr&) const = default;
};

// [begin, end) in bytes of a file.
struct DataRange {
  uint64_t begin = 0;
  uint64_t end = 0;
};

// [begin, end) in blocks of an image.
struct BlockRange {
  uint64_t begin = 0;
  uint64_t end = 0;
};

// Immutable and stateless: each call reads what it needs through the source, which may cache. Safe from
// several threads.
class Image {
 public:
  // Reads the superblock. kCorrupt if it is not EROFS or contradicts itself; kUnsupported if it uses a
  // feature (named in the message) that this reader does not know, such as compression, several devices, or
  // another block size.
  static Result<Image> Open(std::shared_ptr<const io::BlockSource> source);

  Nid root() const { return super_.root; }

  // Inodes in the image, as its superblock says (for statfs).
  uint64_t inode_count() const { return super_.inode_count; }
  const io::BlockSource& source() const { return *source_; }

  Result<Inode> ReadInode(Nid nid) const;

  // Fills `out` from byte `offset` of a regular file, symlink or folder; [offset, offset + out.size()) must
  // lie within its size (kUsage). Holes read as zeros.
  Status ReadData(const Inode& inode, uint64_t offset, MutableByteSpan out) const;

  // The target of a symlink: 1 to 4095 bytes.
  Result<std::string> ReadLink(const Inode& inode) const;

  // The first run of data (not hole) at or behind byte `offset` of a regular file; nothing if only a hole
  // follows.
  Result<std::optional<DataRange>> NextData(const Inode& inode, uint64_t offset) const;

  // Finds `name` in a folder by binary search. Nothing if it is not there. Costs O(log entries) blocks.
  Result<std::optional<DirEntry>> Lookup(const Inode& folder, std::string_view name) const;

  // All xattrs of an inode, or one by its whole name. Unknown name indexes are left out.
  Result<std::vector<Xattr>> ListXattrs(const Inode& inode) const;
  Result<std::optional<std::string>> GetXattr(const Inode& inode, std::string_view name) const;

  // The blocks of the image that hold `inode`: its header, xattrs (shared ones too), chunk table and data,
  // sorted and joined. For mapping damage back to files: where xattrs or a chunk table are themselves damaged
  // (kCorrupt), the blocks that they are in are among the answer, and what they would have led to is not.
  // Other errors of the source.
  Result<std::vector<BlockRange>> BlocksOf(const Inode& inode) const;

  // The block in which the header of inode `nid` starts; nothing if that lies outside the image. For naming
  // the file whose inode cannot be read.
  std::optional<uint64_t> BlockOfInode(Nid nid) const;

 private:
  friend class DirCursor;

  Image(std::shared_ptr<const io::BlockSource> source, const Superblock& super)
      : source_(std::move(source)), super_(super) {}

  // Whether an inode can start at `nid`: its first 32 bytes lie within the image.
  bool NidInImage(Nid nid) const {
    return nid < (source_->size() - super_.meta_offset) / format::kErofsSlotSize;
  }

  std::shared_ptr<const io::BlockSource> source_;
  Superblock super_;
};

}  // namespace veneer::erofs
