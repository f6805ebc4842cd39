// Finds the merged folders of a stack: those that two layers or more give a part of.

#include <algorithm>
#include <deque>
#include <set>

#include "fs/core/departed.h"
#include "fs/core/folder_names.h"
#include "fs/core/view.h"
#include "fs/erofs/overlay.h"

namespace veneer::core {
namespace {

// The branches of the child `name` of a folder with `parents`: what the topmost layer gives, and what lies
// below as far as it shows through. Empty where the name is no folder.
Result<Branches> ChildBranches(const Branches& parents, std::string_view name) {
  Branches children;
  for (const Branch& parent : parents) {
    VENEER_ASSIGN(const auto entry, parent.image->Lookup(parent.inode, name));
    if (!entry) continue;
    VENEER_ASSIGN(const erofs::Inode inode, parent.image->ReadInode(entry->nid));
    if (!inode.IsFolder()) break;
    children.push_back({parent.slot, parent.image, inode});
    VENEER_ASSIGN(const bool opaque, erofs::IsOpaque(*parent.image, inode));
    if (opaque) break;
  }
  return children;
}

}  // namespace

class ViewBuilder {
 public:
  explicit ViewBuilder(View& view) : view_(view) {}

  Status Run() {
    VENEER_ASSIGN(Branches roots, Roots());
    VENEER_TRY(Register(kRootId, std::move(roots)));
    while (!queue_.empty()) {
      const NodeId folder = queue_.front();
      queue_.pop_front();
      VENEER_TRY(MergeChildren(folder));
    }
    return {};
  }

 private:
  // The root folders of the stack, topmost first. The opaque mark counts for nothing there, as with
  // overlayfs.
  Result<Branches> Roots() const {
    Branches roots;
    for (auto layer = view_.stack_.rbegin(); layer != view_.stack_.rend(); ++layer) {
      VENEER_ASSIGN(const erofs::Inode inode, layer->image->ReadInode(layer->image->root()));
      if (!inode.IsFolder())
        return Fail(ErrorCode::kCorrupt, "the root of the layer in slot {} is no folder", layer->slot);
      roots.push_back({layer->slot, layer->image.get(), inode});
    }
    return roots;
  }

  // A merged folder with a branch that already belongs to another is an image whose folders form no tree.
  Status Register(NodeId id, Branches branches) {
    for (const Branch& branch : branches) {
      const NodeId own = MakeNodeId(branch.slot, branch.inode.nid);
      if (!view_.merged_id_of_.emplace(own, id).second) {
        return Fail(ErrorCode::kCorrupt, "folder {} of the layer in slot {} has two parents",
                    branch.inode.nid, branch.slot);
      }
    }
    view_.merged_.emplace(id, std::move(branches));
    queue_.push_back(id);
    return {};
  }

  // Only a folder that is in some branch above the lowest can merge.
  Status MergeChildren(NodeId folder) {
    const Branches& parents = view_.merged_.at(folder);  // stays put: unordered_map never moves its values
    VENEER_ASSIGN(const std::set<std::string> names, UpperFolderNames(parents));
    for (const std::string& name : names) {
      VENEER_ASSIGN(Branches children, ChildBranches(parents, name));
      if (children.size() < 2) continue;
      const Branch& lowest = children.back();
      const NodeId id = MakeNodeId(lowest.slot, lowest.inode.nid);
      VENEER_TRY(Register(id, std::move(children)));
    }
    return {};
  }

  View& view_;
  std::deque<NodeId> queue_;
};

Result<std::shared_ptr<const View>> View::Build(uint64_t generation, const std::vector<StackLayer>& stack,
                                                const LayerTable& table, const View* former,
                                                const std::set<uint16_t>& unfit) {
  if (stack.empty() || stack.size() > kMaxStack) {
    return Fail(ErrorCode::kUsage, "a stack has 1 to {} layers, not {}", kMaxStack, stack.size());
  }
  for (const StackLayer& layer : stack) {
    if (layer.slot == 0) return Fail(ErrorCode::kUsage, "a layer has slot 0");
  }
  std::shared_ptr<View> view(new View(generation, stack, table.With(stack)));
  VENEER_TRY(ViewBuilder(*view).Run());
  if (former != nullptr) VENEER_TRY(DepartedKeeper(*former, *view, unfit).Run());
  return std::shared_ptr<const View>(std::move(view));
}

}  // namespace veneer::core
