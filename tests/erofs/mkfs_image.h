// Images by the real mkfs.erofs, and a comparison with the tree that they were made of.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "fs/base/error.h"
#include "fs/erofs/image.h"
#include "fs/io/block_source.h"

namespace veneer::erofs {

// Runs `mkfs.erofs OPTIONS IMAGE TREE` and reads the image into memory; the file at `image` stays.
Result<std::shared_ptr<io::BlockSource>> MakeImage(const std::string& tree, const std::string& image,
                                                   const std::vector<std::string>& options);

// Walks the tree at `path` and the image together, and returns a line for each difference: names (by Lookup
// and by DirCursor), type and mode, owner, links, size, rdev, mtime (unless `any_mtime`), content, runs of
// data, symlink targets, xattrs. `files` counts what was compared.
std::vector<std::string> Differences(const Image& image, const std::string& path, bool any_mtime,
                                     size_t& files);

}  // namespace veneer::erofs
