// The union of layers, reckoned on trees as data: one layer after the other is laid over what there is, in
// the way that archives of layers are unpacked. Written apart from fs/core, to be held against it.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "tests/support/tree_spec.h"

namespace veneer::test {

struct UnionItem {
  TreeItem item;      // as it is shown: no mark
  size_t top = 0;     // index in the stack of the layer that gives it
  size_t lowest = 0;  // a folder: of the lowest layer that has a part in it
  bool merged = false;
};

// By path, as in TreeSpec.
using TreeUnion = std::map<std::string, UnionItem>;

// `stack`: base first. A mark on the root counts for nothing, as with overlayfs.
TreeUnion UnionOf(const std::vector<const TreeSpec*>& stack);

// The union as a tree of its own.
TreeSpec WholeTree(const TreeUnion& all);

}  // namespace veneer::test
