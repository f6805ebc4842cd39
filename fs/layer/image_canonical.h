// Making an image that mkfs.erofs has written depend on the tree alone. See
// docs/adr/0002-canonical-images.md.
#pragma once

#include <string>
#include <vector>

#include "fs/base/error.h"
#include "fs/erofs/image.h"
#include "fs/layer/image_names.h"

namespace veneer::layer {

// Changes the image in the file `fd`, which `image` reads without a cache, in place: the xattrs of each inode
// are sorted, where the source's file system had its own order; chunks that hold nothing but zeros become
// holes; the superblock's checksum follows. `names` are all its names. kCorrupt, kIo; `name` is for messages.
Status CanonicalizeImage(const erofs::Image& image, const std::vector<ImageName>& names, int fd,
                         const std::string& name);

}  // namespace veneer::layer
