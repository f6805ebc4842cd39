#include "tests/support/tree_union.h"

namespace veneer::test {
namespace {

void Lay(const TreeSpec& layer, size_t index, TreeUnion& all) {
  for (const auto& [path, item] : layer) {
    const auto below = all.find(path);
    const bool merges = item.IsFolder() && below != all.end() && below->second.item.IsFolder() &&
                        (!item.opaque || path.empty());
    UnionItem shown{item, index, index, false};
    shown.item.opaque = false;
    if (merges) {
      shown.lowest = below->second.lowest;
      shown.merged = true;
    } else {
      EraseBelow(all, path);
    }
    if (item.kind == Kind::kWhiteout) {
      all.erase(path);
    } else {
      all.insert_or_assign(path, std::move(shown));
    }
  }
}

}  // namespace

TreeUnion UnionOf(const std::vector<const TreeSpec*>& stack) {
  TreeUnion all;
  for (size_t i = 0; i < stack.size(); ++i) Lay(*stack[i], i, all);
  return all;
}

TreeSpec WholeTree(const TreeUnion& all) {
  TreeSpec tree;
  for (const auto& [path, shown] : all) tree.emplace(path, shown.item);
  return tree;
}

}  // namespace veneer::test
