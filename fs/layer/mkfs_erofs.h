// Running mkfs.erofs, and what is to be known of it.
#pragma once

#include <cstdint>
#include <string>

#include "fs/base/error.h"
#include "fs/format/verity_superblock.h"
#include "fs/layer/tree_scan.h"

namespace veneer::layer {

// SOURCE_DATE_EPOCH for a tree: its newest mtime rounded up to a whole second. See
// docs/adr/0001-source-date-epoch.md.
std::string SourceDateEpoch(const TreeListing& listing);

// Whether a chunk-based image of the tree, which need not hold blocks of zeros, is smaller than a plain one,
// which packs the tails of files behind their inodes. See docs/adr/0002-canonical-images.md.
bool ChunksAreSmaller(const TreeListing& listing);

// Makes an EROFS image of the tree in the file `image`, which is there and is overwritten. kNotFound if
// mkfs.erofs is not installed; kNoSpace; kInterrupted; kFailed with mkfs.erofs's own words. mkfs.erofs may
// say that all is well after a write that failed: see CheckImage. `name` is what messages call the image.
Status MakeImage(const TreeListing& listing, const format::Uuid& uuid, const std::string& image,
                 const std::string& name);

// Whether the file system that holds `path` is full but for a few blocks.
bool IsFull(const std::string& path);

}  // namespace veneer::layer
