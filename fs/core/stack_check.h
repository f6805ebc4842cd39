// What makes a list of layers a stack.
#pragma once

#include <vector>

#include "fs/base/error.h"
#include "fs/format/manifest.h"

namespace veneer::core {

// Whether layers with these manifests, base first, are a stack: one base, which is the first; no component
// twice; and each patch above what it requires. A generation is a record of the catalog, which is not
// trusted: whoever takes its layers into use asks this first. None are a stack, too. Whether patches apply to
// the base, are withdrawn or in each other's way is asked elsewhere. kDamaged, with the mending command.
Status CheckStack(const std::vector<const format::Manifest*>& stack);

}  // namespace veneer::core
