// From the bytes of an EROFS inode to an Inode. See docs/format/erofs.md.
#pragma once

#include <cstdint>

#include "fs/base/bytes.h"
#include "fs/base/error.h"
#include "fs/erofs/inode.h"
#include "fs/erofs/superblock.h"

namespace veneer::erofs {

// The size of the inode header that starts with `bytes` (at least 2): 32 if it is compact, 64 if extended.
uint32_t InodeHeaderSize(ByteSpan bytes);

// Decodes the inode `nid`, whose header starts `bytes`, of an image of `image_size` bytes. What comes out is
// safe to follow: its xattr area, its blocks, its inline tail or its chunk table lie within the image, and
// its size is at most INT64_MAX. (What a chunk table says is not read here.)
//
// kCorrupt if that is not so, if `bytes` are too few, or if mode or time make no sense; kUnsupported for
// compressed data or for a layout that this reader does not know.
Result<Inode> DecodeInode(ByteSpan bytes, Nid nid, const Superblock& super, uint64_t image_size);

}  // namespace veneer::erofs
