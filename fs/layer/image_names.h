// All names in an image.
#pragma once

#include <string>
#include <vector>

#include "fs/base/error.h"
#include "fs/erofs/image.h"

namespace veneer::layer {

struct ImageName {
  std::string path;  // from the root, without a leading '/'; empty for the root itself
  erofs::Nid nid = 0;
};

// Every path of `image`, sorted by its bytes. The first error that a walk over it meets.
Result<std::vector<ImageName>> ListImage(const erofs::Image& image);

}  // namespace veneer::layer
