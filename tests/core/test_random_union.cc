// The union, its listings and its changes, on random layers, against a model that is reckoned from the trees
// which the layers were made of.
#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <set>

#include "fs/core/changes.h"
#include "fs/core/folder_lister.h"
#include "fs/erofs/overlay.h"
#include "tests/support/catch.h"
#include "tests/support/random_tree.h"
#include "tests/support/seeds.h"
#include "tests/support/test_layers.h"
#include "tests/support/tree_union.h"

namespace veneer::test {
namespace {

using core::NodeId;
using core::View;

constexpr uint64_t kSeeds = 40;
constexpr int kStacksOfASeed = 12;

// The layers of one seed, as trees and as images in slots 1, 2, ...
struct Layers {
  explicit Layers(uint64_t seed) : random(seed) {
    specs.push_back(random.Base());
    while (specs.size() < 2 + random.Below(7)) {
      std::vector<const TreeSpec*> below;
      for (const TreeSpec& spec : specs) below.push_back(&spec);
      specs.push_back(random.Layer(WholeTree(UnionOf(below))));
    }
    for (const TreeSpec& spec : specs) {
      const TestTree tree;
      WriteTree(spec, tree.path());
      images.push_back(tree.Layer(static_cast<uint16_t>(images.size() + 1)));
    }
  }

  // The base and some of the others, mostly in order.
  std::vector<size_t> SomeStack() {
    std::vector<size_t> stack = {0};
    for (size_t i = 1; i < specs.size(); ++i) {
      if (!random.OneIn(3)) stack.push_back(i);
    }
    if (stack.size() > 2 && random.OneIn(4)) std::swap(stack[1], stack.back());
    return stack;
  }

  RandomTrees random;
  std::vector<TreeSpec> specs;
  std::vector<core::StackLayer> images;
};

// One generation both ways.
struct Generation {
  TreeUnion model;
  std::vector<uint16_t> slots;  // by index in the stack
  std::shared_ptr<const View> view;
};

// `former`: the view before it on the same mount, if any.
Generation Build(const Layers& layers, const std::vector<size_t>& stack, uint64_t number,
                 const View* former) {
  Generation made;
  std::vector<const TreeSpec*> specs;
  std::vector<core::StackLayer> images;
  for (const size_t i : stack) {
    specs.push_back(&layers.specs[i]);
    images.push_back(layers.images[i]);
    made.slots.push_back(layers.images[i].slot);
  }
  made.model = UnionOf(specs);
  auto view = View::Build(number, images, *core::LayerTable().With(layers.images), former);
  REQUIRE_OK(view);
  made.view = *view;
  return made;
}

// Whether `node` is what the model says; each difference adds a line to `report`.
void CompareNode(const Generation& made, const std::string& path, const UnionItem& wanted,
                 const core::Node& node, std::string& report) {
  const auto check = [&](const char* what, const auto& got, const auto& expected) {
    if (got != expected) report += fmt::format("/{}: {} {} where {} is wanted\n", path, what, got, expected);
  };
  const TreeItem& item = wanted.item;
  check("mode", node.inode.mode, ModeOf(item));
  check("uid", node.inode.uid, item.uid);
  check("gid", node.inode.gid, item.gid);
  check("mtime", node.inode.mtime, item.mtime);
  check("ns", node.inode.mtime_nsec, item.mtime_nsec);
  check("layer", node.slot, made.slots[wanted.top]);
  check("merged", node.merged, wanted.merged);
  if (!path.empty()) check("id of layer", core::SlotOf(node.id), made.slots[wanted.lowest]);
  const erofs::Image& image = *made.view->ImageInSlot(node.slot);
  const auto listed = image.ListXattrs(node.inode);
  REQUIRE_OK(listed);
  std::map<std::string, std::string> xattrs;
  for (const erofs::Xattr& xattr : *listed) {
    if (!erofs::IsPrivateXattr(xattr.name)) xattrs.emplace(xattr.name, xattr.value);
  }
  if (xattrs != item.xattrs) report += fmt::format("/{}: other xattrs\n", path);
  if (item.kind == Kind::kSymlink) check("target", *image.ReadLink(node.inode), item.target);
  if (item.kind == Kind::kFile && ReadFile(*made.view, path) != ContentOf(item))
    report += fmt::format("/{}: other content\n", path);
}

// The names in a folder by FolderLister, opened anew behind every third entry as a reader with a small
// buffer would; the type of each must fit.
std::set<std::string> NamesOf(const View& view, NodeId folder, std::string& report) {
  std::set<std::string> names;
  core::Cookie cookie = 0;
  for (bool more = true; more;) {
    auto lister = core::FolderLister::Open(view, folder, cookie);
    REQUIRE_OK(lister);
    for (int i = 0; i < 3 && lister->entry() != nullptr; ++i) {
      const core::FolderLister::Entry& entry = *lister->entry();
      cookie = entry.cookie;
      const std::string name(entry.name);
      if (name != "." && name != "..") {
        if (!names.insert(name).second) report += "lists " + name + " twice\n";
        const auto child = view.Lookup(folder, name);
        REQUIRE_OK(child);
        if (!*child || (*child)->id != lister->EntryId() ||
            DTTOIF(entry.type) != ((*child)->inode.mode & S_IFMT))
          report += "lists " + name + " as what it is not\n";
      }
      REQUIRE_OK(lister->Next());
    }
    more = lister->entry() != nullptr;
  }
  return names;
}

std::string CompareWithModel(const Generation& made, const std::set<std::string>& known) {
  std::string report;
  std::map<std::string, std::set<std::string>> names;  // by folder
  for (const auto& [path, wanted] : made.model) {
    if (!path.empty()) names[ParentPath(path)].insert(path.substr(path.rfind('/') + 1));
    const auto node = made.view->Walk(path);
    REQUIRE_OK(node);
    if (*node) {
      CompareNode(made, path, wanted, **node, report);
    } else {
      report += "/" + path + ": absent\n";
    }
  }
  for (const auto& [path, wanted] : made.model) {
    if (!wanted.item.IsFolder()) continue;
    const auto node = made.view->Walk(path);
    if (*node && NamesOf(*made.view, (*node)->id, report) != names[path])
      report += "/" + path + ": other listing\n";
  }
  for (const std::string& path : known) {
    const auto node = made.view->Walk(path);
    REQUIRE_OK(node);
    if (*node && !made.model.contains(path)) report += "/" + path + ": is there\n";
  }
  return report;
}

// The folders to which one path leads in both, over the same folders.
std::set<NodeId> CommonFolders(const Generation& before, const Generation& after) {
  std::set<std::string> paths;
  std::set<NodeId> folders;
  for (const auto& [path, wanted] : before.model) {
    if (!path.empty() && !paths.contains(ParentPath(path))) continue;
    const auto there = after.model.find(path);
    if (!wanted.item.IsFolder() || there == after.model.end() || !there->second.item.IsFolder()) continue;
    const NodeId id = (*before.view->Walk(path))->id;
    if (id != (*after.view->Walk(path))->id) continue;
    paths.insert(path);
    folders.insert(id);
  }
  return folders;
}

NodeId ChildId(const View& view, NodeId folder, const std::string& name) {
  const auto child = view.Lookup(folder, name);
  REQUIRE_OK(child);
  return *child ? (*child)->id : 0;
}

struct Differing {
  std::set<std::pair<NodeId, std::string>> entries;
  std::set<NodeId> attributes;
};

// What a kernel that knows `folders` by their ids may have cached in the one view and would be wrong in the
// other, found by asking both for everything.
Differing AskBoth(const View& before, const View& after, const std::set<NodeId>& folders) {
  Differing found;
  std::string report;
  for (const NodeId folder : folders) {
    std::set<std::string> names = NamesOf(before, folder, report);
    names.merge(NamesOf(after, folder, report));
    for (const std::string& name : names) {
      if (ChildId(before, folder, name) != ChildId(after, folder, name)) found.entries.emplace(folder, name);
    }
    const auto a = before.Get(folder);
    const auto b = after.Get(folder);
    REQUIRE_OK(a);
    REQUIRE_OK(b);
    if (a->slot != b->slot || a->inode.nid != b->inode.nid || a->merged != b->merged)
      found.attributes.insert(folder);
  }
  REQUIRE(report == "");
  return found;
}

// Of what both show: just what differs.
void CheckShown(const Generation& before, const Generation& after, const core::Changes& changes) {
  const Differing wanted = AskBoth(*before.view, *after.view, CommonFolders(before, after));
  Differing told;
  for (const core::ChangedEntry& entry : changes.entries()) {
    told.entries.emplace(entry.folder, entry.name());
    REQUIRE(entry.before == ChildId(*before.view, entry.folder, std::string(entry.name())));
    REQUIRE(entry.after == ChildId(*after.view, entry.folder, std::string(entry.name())));
  }
  for (const core::ChangedFolder& folder : changes.folders()) told.attributes.insert(folder.folder);
  REQUIRE((told.entries == wanted.entries));
  REQUIRE((told.attributes == wanted.attributes));
}

// Of any folder that was ever shown, and that somebody may hold: all that differs, in some part of it.
void CheckHeld(const Generation& before, const Generation& after, const core::Changes& changes,
               const std::set<NodeId>& ever) {
  const Differing wanted = AskBoth(*before.view, *after.view, ever);
  for (const auto& [folder, name] : wanted.entries) {
    INFO("folder " << std::hex << folder << " " << name);
    REQUIRE(changes.HasEntry(folder, name));
  }
  for (const NodeId folder : wanted.attributes) REQUIRE(changes.HasFolder(folder));
}

void AddFolders(const Generation& made, std::set<NodeId>& folders) {
  for (const auto& [path, wanted] : made.model) {
    if (wanted.item.IsFolder()) folders.insert((*made.view->Walk(path))->id);
  }
}

TEST_CASE("random stacks make the unions of the model, and differ in what asking both for everything finds") {
  const Seeds seeds = SeedsOr(kSeeds);
  for (uint64_t seed = seeds.from; seed <= seeds.to; ++seed) {
    INFO("seed " << seed);
    Layers layers(seed);
    Generation before = Build(layers, {0}, 1, nullptr);
    std::set<NodeId> ever;
    for (uint64_t number = 2; number <= kStacksOfASeed; ++number) {
      AddFolders(before, ever);
      Generation after = Build(layers, layers.SomeStack(), number, before.view.get());
      REQUIRE(CompareWithModel(after, layers.random.known()) == "");
      const auto changes = core::Changes::Between(*before.view, *after.view);
      REQUIRE_OK(changes);
      CheckShown(before, after, *changes);
      AddFolders(after, ever);
      CheckHeld(before, after, *changes, ever);
      before = std::move(after);
    }
  }
}

}  // namespace
}  // namespace veneer::test
