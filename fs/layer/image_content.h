// The content of a file in an image, as a digest.
#pragma once

#include "fs/base/bytes.h"
#include "fs/base/error.h"
#include "fs/erofs/image.h"
#include "fs/layer/progress.h"

namespace veneer::layer {

// SHA-256 of all of the regular file `inode`, read piece by piece; `meter` is told of each where it is not
// null. The errors of reading it; kInterrupted.
Result<Digest> HashContent(const erofs::Image& image, const erofs::Inode& inode, StageProgress* meter);

}  // namespace veneer::layer
