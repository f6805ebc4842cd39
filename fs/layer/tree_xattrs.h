// The extended attributes of a file in a source tree.
#pragma once

#include <string>
#include <vector>

#include "fs/base/error.h"
#include "fs/erofs/image.h"

namespace veneer::layer {

// All xattrs of `path`, a symlink's own if it is one, sorted by name. Nothing where the file system knows
// none. kIo.
Result<std::vector<erofs::Xattr>> ReadXattrs(const std::string& path);

// kUsage, naming `path` and the xattr, if EROFS cannot hold one of them.
Status CheckXattrsFit(const std::string& path, const std::vector<erofs::Xattr>& xattrs);

}  // namespace veneer::layer
