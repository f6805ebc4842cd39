// From places in an image back to the paths that a person knows.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "fs/base/error.h"
#include "fs/erofs/image.h"

namespace veneer::scan {

// Calls `visit(path, inode)` for every path of `image`, folders before what is in them; paths have no leading
// '/', and the root's is empty. A folder or inode that cannot be read is passed over: this serves images with
// damage. Each folder is entered once, so that it ends whatever the image holds. Stops early when `visit`
// returns false.
void WalkPaths(const erofs::Image& image,
               const std::function<bool(const std::string&, const erofs::Inode&)>& visit);

// The paths that each of `blocks` (ascending, counted in the image) belongs to, in the same order; none for
// blocks that only hold what no path owns.
std::vector<std::vector<std::string>> PathsOfBlocks(const erofs::Image& image,
                                                    const std::vector<uint64_t>& blocks);

// A path of the inode `nid`; empty if there is none that can be found.
std::string PathOfInode(const erofs::Image& image, erofs::Nid nid);

}  // namespace veneer::scan
