// Copying chosen entries of a tree into a folder of their own, whole with metadata, ready for mkfs.erofs.
#pragma once

#include <cstdint>
#include <string>

#include "fs/base/error.h"
#include "fs/core/tree_diff.h"
#include "fs/layer/progress.h"
#include "fs/layer/tree_scan.h"

namespace veneer::core {

// What a patch holds.
struct PatchContents {
  uint64_t files = 0;    // changed or new entries other than folders
  uint64_t folders = 0;  // folders carried, changed or on the way to a change
  uint64_t whiteouts = 0;
  uint64_t opaque = 0;  // folders that replace those below
  uint64_t bytes = 0;   // of file content, each inode once
};

// Copies what `difference` carries of `tree` into the empty folder `target`, with whiteouts (character
// devices 0:0) and opaque marks (trusted.overlay.opaque=y) as overlayfs has them. Owner, mode, times in ns,
// xattrs, hard links and holes are kept. kNoSpace, kIo; kBusy if a file of the tree is not what it was when
// it was listed.
Result<PatchContents> Stage(const layer::TreeListing& tree, const TreeDifference& difference,
                            const std::string& target, const layer::Progress& progress);

}  // namespace veneer::core
