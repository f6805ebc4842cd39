// Whether an image holds what its tree held.
#pragma once

#include <vector>

#include "fs/base/error.h"
#include "fs/erofs/image.h"
#include "fs/layer/image_names.h"
#include "fs/layer/tree_scan.h"

namespace veneer::layer {

// Compares the names of an image with those of the tree. The errors of CheckImage.
Status CheckNames(const TreeListing& listing, const std::vector<ImageName>& names);

// Compares all that `image` shows with `listing`: names, metadata, xattrs, hard links and every byte. This is
// what stands between a signature and a tree that changed while mkfs.erofs read it, or a write that
// mkfs.erofs lost without a word. kBusy, naming the path, where the tree is no longer as it was listed;
// kFailed, naming path and difference, where it is; the errors of reading the image.
Status CheckImage(const TreeListing& listing, const erofs::Image& image, const Progress& progress);

}  // namespace veneer::layer
