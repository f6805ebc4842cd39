// What the reader keeps of an EROFS superblock. See docs/format/erofs.md.
#pragma once

#include <cstdint>

#include "fs/base/bytes.h"
#include "fs/base/error.h"
#include "fs/erofs/inode.h"

namespace veneer::erofs {

struct Superblock {
  Nid root = 0;
  uint64_t inode_count = 0;
  uint64_t meta_offset = 0;   // of nid 0, bytes
  uint64_t xattr_offset = 0;  // of shared xattr 0, bytes
  int64_t build_time = 0;     // mtime of compact inodes
  uint32_t build_time_nsec = 0;
};

// Reads the superblock in the first block of an image of `image_size` bytes. kCorrupt if it is not EROFS,
// names more blocks than there are or places outside the image; kUnsupported if the image has a feature
// (named in the message) or a block size that this reader does not know. Its checksum is not looked at: it
// covers nothing but the superblock, and whoever hands out blocks has authenticated them already.
Result<Superblock> DecodeSuperblock(ByteSpan first_block, uint64_t image_size);

}  // namespace veneer::erofs
