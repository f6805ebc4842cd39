// Walking a folder: names and metadata of all that is in it, without a symlink being followed.
#pragma once

#include <string>
#include <vector>

#include "fs/base/error.h"
#include "fs/base/unique_fd.h"
#include "fs/layer/tree_scan.h"

namespace veneer::layer {

// Opens `path` below the folder `root` ("." for itself) with open(2) `flags`, following no symlink and
// leaving neither the folder nor its mount, whatever others do to the tree meanwhile. `name` is for the
// message.
Result<UniqueFd> OpenBeneath(int root, const std::string& path, int flags, const std::string& name);

// Fills listing.entries, in no particular order, from the folder `root` whose path is listing.root: all
// fields but first_link, nlink, content and zero_blocks. The errors of ScanTree.
Status WalkTree(int root, const ScanOptions& options, TreeListing& listing);

}  // namespace veneer::layer
