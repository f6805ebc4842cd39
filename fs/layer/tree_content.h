// Reading one file of a source tree.
#pragma once

#include <string>

#include "fs/base/error.h"
#include "fs/layer/tree_scan.h"

namespace veneer::layer {

// Reads the regular file `entry` below the open folder `root` and fills in its content and zero_blocks.
// `name` is for messages. kBusy if the file is no longer the one that was listed, or changes meanwhile; kIo.
Status ReadContent(int root, const std::string& name, StageProgress& meter, TreeEntry& entry);

}  // namespace veneer::layer
