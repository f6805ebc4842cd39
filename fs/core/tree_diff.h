// What a tree differs in from a view: the content of the patch that turns the one into the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "fs/base/error.h"
#include "fs/core/view.h"
#include "fs/layer/progress.h"
#include "fs/layer/tree_scan.h"

namespace veneer::core {

struct TreeDifference {
  std::vector<size_t> carried;  // indexes in the listing, ascending: changed and new entries, and the folders
                                // on the way to them
  std::vector<std::string> whiteouts;  // paths to hide
  std::vector<std::string>
      opaque;  // carried folders that hide all of the folder below: no name is common to both

  bool empty() const { return carried.empty() && whiteouts.empty(); }
};

// Compares `tree` with `below`: type, mode, owner, mtime, xattrs, device number, symlink target, content (by
// SHA-256, with all cores) and hard links, whose paths are carried together or not at all. The errors of
// reading `below`.
Result<TreeDifference> CompareTree(const layer::TreeListing& tree, const View& below,
                                   const layer::Progress& progress);

}  // namespace veneer::core
