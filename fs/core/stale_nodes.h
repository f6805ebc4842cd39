// Nodes that a view does not show any more, though somebody may hold them.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "fs/base/error.h"
#include "fs/core/view.h"

namespace veneer::core {

struct StaleNode {
  NodeId node = 0;
  std::string path;  // in its layer, without a leading '/'; empty where none can be found
};

// Those of `nodes` that no path of `view` leads to: of a layer outside its stack, or replaced or hidden by a
// layer above. Paths of former layers are known as far as `view`'s table has them. Costs a walk of each layer
// that one of `nodes` is in. The errors of reading the layers.
Result<std::vector<StaleNode>> FindStale(const View& view, const std::set<NodeId>& nodes);

}  // namespace veneer::core
