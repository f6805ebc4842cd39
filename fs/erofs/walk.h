// Walking a whole image, path by path.
#pragma once

#include <functional>
#include <string>

#include "fs/erofs/image.h"

namespace veneer::erofs {

// Folders inside each other that a walk goes into: as deep as a path of the kernel's longest can name.
inline constexpr size_t kMaxWalkDepth = 2048;

// What is at `path` (empty for the root, otherwise "a/b"): the inode `nid`, or why it cannot be read. An
// error that it returns ends the walk.
using Visit = std::function<Status(const std::string& path, Nid nid, const Result<Inode>& inode)>;

// Calls `visit` for the root and then, folder by folder in the order of their names' bytes, for all that is
// below it, each folder before what it holds. A folder whose listing cannot be read, that has been met before
// or that lies too deep is visited again with that error, and the walk goes on behind it: so the walk ends
// whatever the image holds, and its cost is bounded by the image. Returns only what `visit` returns.
Status Walk(const Image& image, const Visit& visit);

}  // namespace veneer::erofs
