// One EROFS inode, decoded. See docs/format/erofs.md.
#pragma once

#include <cstdint>

namespace veneer::erofs {

// The number of an inode in its image: its byte offset behind the metadata start, in units of 32 bytes.
using Nid = uint64_t;

// How an inode's data lies in the image (EROFS_INODE_FLAT_PLAIN, _FLAT_INLINE, _CHUNK_BASED).
enum class DataLayout : uint8_t { kPlain, kInline, kChunked };

struct Inode {
  Nid nid = 0;
  uint16_t mode = 0;  // type and permission bits, as in st_mode
  uint32_t uid = 0;
  uint32_t gid = 0;
  uint32_t nlink = 0;
  uint64_t size = 0;  // bytes
  int64_t mtime = 0;  // seconds since 1970
  uint32_t mtime_nsec = 0;
  uint32_t rdev = 0;  // device nodes only, in the encoding of the kernel's new_encode_dev

  // What the reader needs to find data and xattrs.
  DataLayout layout = DataLayout::kPlain;
  uint32_t first_block = 0;    // of plain and inline data
  uint8_t chunk_bits = 0;      // log2 of the chunk size in bytes; chunked data only
  bool chunk_indexes = false;  // chunk table of 8-byte indexes, not of 4-byte block numbers
  uint64_t offset = 0;         // of the inode in the image, in bytes
  uint32_t header_size = 0;    // 32 or 64
  uint32_t xattr_size = 0;     // bytes of inline xattrs behind the inode

  // Where the inline tail or the chunk table is (the table rounded up to its entries): behind the xattrs.
  uint64_t BodyOffset() const { return offset + header_size + xattr_size; }

  bool IsFolder() const { return (mode & 0170000) == 0040000; }
  bool IsRegular() const { return (mode & 0170000) == 0100000; }
  bool IsSymlink() const { return (mode & 0170000) == 0120000; }
  // Whether there is data behind it: not so for devices, fifos and sockets, whatever their size says.
  bool HasData() const { return IsFolder() || IsRegular() || IsSymlink(); }
  // An overlayfs whiteout: a character device 0:0.
  bool IsWhiteout() const { return (mode & 0170000) == 0020000 && rdev == 0; }
};

}  // namespace veneer::erofs
