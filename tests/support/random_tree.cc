#include "tests/support/random_tree.h"

#include <algorithm>
#include <iterator>

namespace veneer::test {
namespace {

constexpr size_t kLongestPath = 1500;  // bytes; there is room for the folder that the tree is in
constexpr const char* kCrowd = "crowd";

template <typename Map>
const std::string& KeyAt(const Map& map, uint64_t index) {
  return std::next(map.begin(), static_cast<ptrdiff_t>(index))->first;
}

std::string Join(const std::string& folder, const std::string& name) {
  return folder.empty() ? name : folder + '/' + name;
}

// Whether `path` is there as a folder, in the layer or, where that says nothing of it, below.
const TreeItem* Shown(const TreeSpec& layer, const TreeSpec& below, const std::string& path) {
  if (const auto here = layer.find(path); here != layer.end()) return &here->second;
  const auto there = below.find(path);
  return there == below.end() ? nullptr : &there->second;
}

}  // namespace

// Puts `item` at `path` of `layer`, and the folders above it where the layer does not have them. Not where
// something that is no folder, or a whiteout, stands in the way.
bool RandomTrees::Put(TreeSpec& layer, const TreeSpec& below, const std::string& path, TreeItem item) {
  if (path.size() > kLongestPath) return false;
  for (std::string above = path; !above.empty();) {
    above = ParentPath(above);
    const auto found = layer.find(above);
    if (found == layer.end()) continue;
    if (!found->second.IsFolder()) return false;
    break;
  }
  for (std::string above = path; !above.empty();) {
    above = ParentPath(above);
    if (layer.contains(above)) break;
    const TreeItem* shown = Shown(layer, below, above);
    TreeItem folder = shown != nullptr && shown->IsFolder() && !OneIn(4) ? *shown : Item(Kind::kFolder);
    folder.link = 0;
    layer.emplace(above, std::move(folder));
  }
  if (!item.IsFolder()) EraseBelow(layer, path);
  layer.insert_or_assign(path, std::move(item));
  return true;
}

// Some new things in a folder, at times deep ones.
void RandomTrees::AddSome(TreeSpec& layer, const TreeSpec& below, const std::string& folder) {
  for (uint64_t count = 1 + Below(4); count > 0; --count) {
    const std::string path = Join(folder, Name());
    const Kind kind = SomeKind();
    if (!Put(layer, below, path, Item(kind))) continue;
    if (kind == Kind::kFolder && OneIn(2)) AddSome(layer, below, path);
  }
}

// One more name for an inode of the layer.
void RandomTrees::AddLink(TreeSpec& layer, const TreeSpec& below) {
  std::vector<std::string> files;
  for (const auto& [path, item] : layer) {
    if (!item.IsFolder() && item.kind != Kind::kWhiteout) files.push_back(path);
  }
  if (files.empty()) return;
  const std::string first = OneOf(files);
  const std::string path = Join(SomeFolder(layer, below), Name());
  if (layer.contains(path)) return;
  TreeItem item = layer.at(first);
  if (item.link == 0) item.link = ++links_;
  if (Put(layer, below, path, item)) layer.at(first).link = item.link;
}

void RandomTrees::AddOpaque(TreeSpec& layer, const TreeSpec& below, const std::string& path) {
  TreeItem folder = Item(Kind::kFolder);
  folder.opaque = true;
  if (!Put(layer, below, path, std::move(folder))) return;
  if (!OneIn(4)) AddSome(layer, below, path);
  // Whiteouts there hide nothing, of what lies below or of what never did.
  const auto inside = below.lower_bound(path + '/');
  if (OneIn(2) && inside != below.end() && ParentPath(inside->first) == path) {
    Put(layer, below, inside->first, Item(Kind::kWhiteout));
  }
  if (OneIn(3)) Put(layer, below, Join(path, Name()), Item(Kind::kWhiteout));
}

std::string RandomTrees::SomePath(const TreeSpec& layer, const TreeSpec& below) {
  const TreeSpec& from = OneIn(5) || below.empty() ? layer : below;
  return from.empty() ? std::string() : KeyAt(from, Below(from.size()));
}

std::string RandomTrees::SomeFolder(const TreeSpec& layer, const TreeSpec& below) {
  for (int i = 0; i < 20; ++i) {
    const std::string path = SomePath(layer, below);
    const TreeItem* shown = Shown(layer, below, path);
    if (shown != nullptr && shown->IsFolder()) return path;
  }
  return "";
}

// One change of one of many sorts.
void RandomTrees::Change(TreeSpec& layer, const TreeSpec& below) {
  const std::string path = SomePath(layer, below);
  const TreeItem* shown = Shown(layer, below, path);
  const bool root = path.empty();
  switch (Below(11)) {
    case 0:  // removed
    case 1:
      if (!root) Put(layer, below, path, Item(Kind::kWhiteout));
      return;
    case 2:  // of any type, a folder too
    case 3:
      if (!root) Put(layer, below, path, Item(SomeKind()));
      return;
    case 4:  // other attributes alone
    case 5: {
      if (shown == nullptr || shown->kind == Kind::kWhiteout) return;
      TreeItem item = *shown;
      item.link = 0;
      SetMetadata(item);
      Put(layer, below, path, std::move(item));
      return;
    }
    case 6:
      AddOpaque(layer, below, root ? Name() : path);
      return;
    case 7:  // a whiteout of what is not there
      Put(layer, below, Join(SomeFolder(layer, below), Name()), Item(Kind::kWhiteout));
      return;
    case 8:  // what was there once
      if (!known_.empty()) {
        const std::string once = *std::next(known_.begin(), static_cast<ptrdiff_t>(Below(known_.size())));
        if (!once.empty()) Put(layer, below, once, Item(OneIn(2) ? Kind::kFolder : SomeKind()));
      }
      return;
    case 9:
      AddLink(layer, below);
      return;
    default:
      AddSome(layer, below, SomeFolder(layer, below));
  }
}

TreeSpec RandomTrees::Base() {
  TreeSpec tree;
  tree.emplace("", Item(Kind::kFolder));
  for (uint64_t count = 4 + Below(12); count > 0; --count) AddSome(tree, {}, SomeFolder(tree, {}));
  if (OneIn(3)) {  // more than one block of names, and more than one answer of a listing
    for (uint64_t i = Below(400); i > 0; --i) {
      Put(tree, {}, Join(kCrowd, OneIn(9) ? Name() : "file-" + std::to_string(Below(10000))),
          Item(SomeKind()));
    }
  }
  for (uint64_t count = Below(4); count > 0; --count) AddLink(tree, {});
  Learn(tree);
  return tree;
}

TreeSpec RandomTrees::Layer(const TreeSpec& below) {
  TreeSpec layer;
  if (OneIn(8)) {
    layer = Base();  // a tree that knows nothing of those below
  } else {
    TreeItem root = OneIn(2) ? below.at("") : Item(Kind::kFolder);
    root.opaque = OneIn(20);
    layer.emplace("", std::move(root));
  }
  for (uint64_t count = 1 + Below(16); count > 0; --count) Change(layer, below);
  Learn(layer);
  return layer;
}

TreeSpec RandomTrees::LayerIn(const std::string& area) {
  TreeSpec layer;
  layer.emplace("", Item(Kind::kFolder));
  layer.emplace(area, Item(Kind::kFolder));
  for (uint64_t count = 1 + Below(4); count > 0; --count) AddSome(layer, {}, area);
  Learn(layer);
  return layer;
}

TreeSpec RandomTrees::Changed(const TreeSpec& below) {
  const TreeSpec layer = Layer(below);
  return WholeTree(UnionOf({&below, &layer}));
}

void RandomTrees::Learn(const TreeSpec& tree) {
  for (const auto& [path, item] : tree) known_.insert(path);
}

}  // namespace veneer::test
