// The folders that the layers above the lowest name.
#pragma once

#include <set>
#include <string>

#include "fs/base/error.h"
#include "fs/core/view.h"

namespace veneer::core {

// The names of the folders in every branch but the lowest: no other child of a merged folder can be merged.
// kCorrupt and kIo from the layers.
Result<std::set<std::string>> UpperFolderNames(const Branches& branches);

}  // namespace veneer::core
