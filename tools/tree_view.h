// Listing what an image holds.
#pragma once

#include "fs/base/error.h"
#include "fs/erofs/image.h"
#include "tools/output.h"

namespace veneer::tools {

// Puts a line like one of `ls -l`, and a JSON object below "tree", for each path of `image` into `output`,
// each folder before what it holds and otherwise in the order of the names' bytes. Whiteouts and opaque
// folders are marked as what they are. kDamaged if a part of the image cannot be read; kInterrupted.
Status ShowTree(const erofs::Image& image, Output& output);

}  // namespace veneer::tools
