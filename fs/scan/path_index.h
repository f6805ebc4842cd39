// From places in an image back to the paths that a person knows.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "fs/base/error.h"
#include "fs/erofs/image.h"

namespace veneer::scan {

// The paths that each of `blocks` (ascending, counted in the image) belongs to, in the same order: those
// whose inode, xattrs, folder entries or content lie in it. Paths are as erofs::Walk gives them: no leading
// '/', and the root's is empty. None for blocks that only hold what no path owns. Serves images with damage:
// an inode that cannot be read belongs to its block still; below a folder that cannot be read no path is
// known, and its own blocks name it. kInterrupted.
Result<std::vector<std::vector<std::string>>> PathsOfBlocks(const erofs::Image& image,
                                                            const std::vector<uint64_t>& blocks);

// All paths of each of `nids`, as erofs::Walk gives them; none for an inode without a path that can be found.
std::map<erofs::Nid, std::vector<std::string>> PathsOfInodes(const erofs::Image& image,
                                                             const std::set<erofs::Nid>& nids);

// A path of the inode `nid`; empty if there is none that can be found.
std::string PathOfInode(const erofs::Image& image, erofs::Nid nid);

}  // namespace veneer::scan
