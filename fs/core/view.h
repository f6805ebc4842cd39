// The union of one generation's layers: what a mount shows while that generation is current. See design §3.
//
// Topmost wins; a folder merges with those below it until an opaque one or a non-folder; whiteouts hide. A
// merged folder is named by its lowest layer and shows the attributes of its topmost. A view holds only the
// merged folders, which are found by walking the patches: its cost is that of the patches, whatever the size
// of the base.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "fs/base/error.h"
#include "fs/core/layer_table.h"
#include "fs/core/node_id.h"
#include "fs/erofs/image.h"

namespace veneer::core {

// The most layers a stack may have.
inline constexpr size_t kMaxStack = 128;

// A folder of one layer that takes part in a folder of the union.
struct Branch {
  uint16_t slot = 0;
  const erofs::Image* image = nullptr;
  erofs::Inode inode;
};

// What an id stands for: an inode whose attributes are shown.
struct Node {
  NodeId id = 0;
  uint16_t slot = 0;  // of the layer that gives the inode
  erofs::Inode inode;
  bool merged = false;  // a folder with two branches or more
};

// A folder's branches, topmost first; at least one.
using Branches = std::vector<Branch>;

// A merged folder of a former view that no path leads to any more.
struct Departed {
  std::string path;  // where it was
  // The merged folders in it, by the own id of each of their branches: those parts may be shown elsewhere
  // now.
  std::unordered_map<NodeId, NodeId> folder_ids;
};

// Immutable once built; safe from several threads.
class View {
 public:
  // The view of `stack` (base first, 1 to kMaxStack layers), numbered `generation`. Ids of layers outside the
  // stack, which open files and working folders may still have, are served too if they are in `table`.
  // `former`: the view that this one takes the place of; its merged folders that are not there any more stay
  // as they were for whoever still works in them, as far as `table` has their layers and none is in
  // `unfit`, the slots of layers that are to be let go of. kUsage for a bad stack; the errors of reading the
  // layers.
  static Result<std::shared_ptr<const View>> Build(uint64_t generation, const std::vector<StackLayer>& stack,
                                                   const LayerTable& table = {}, const View* former = nullptr,
                                                   const std::set<uint16_t>& unfit = {});

  uint64_t generation() const { return generation_; }
  const std::vector<StackLayer>& stack() const { return stack_; }

  // The layers that are served: those of the stack and those that were given with it.
  const LayerTable& table() const { return *table_; }

  // All of these: kNotFound for an id that no layer of the table has (ESTALE to the kernel); kCorrupt and kIo
  // from the layers.

  // The node of `id`.
  Result<Node> Get(NodeId id) const;

  // The child `name` of `folder`; nothing if there is none or a whiteout hides it. "." and ".." are not asked
  // for.
  Result<std::optional<Node>> Lookup(NodeId folder, std::string_view name) const;

  // The branches of `folder`: those of a merged folder, or the one folder that it is. kUsage if it is not a
  // folder.
  Result<Branches> BranchesOf(NodeId folder) const;

  // The branches of a merged folder, one that has departed too, or null for any other id.
  const Branches* MergedBranches(NodeId folder) const;

  // By id.
  const std::unordered_map<NodeId, Departed>& departed() const { return departed_; }

  // The id under which the folder `nid` of the layer in `slot` is shown.
  NodeId IdOfFolder(uint16_t slot, erofs::Nid nid) const;

  // The image of the layer in `slot`, and the one that `id` belongs to; null where there is none.
  const erofs::Image* ImageInSlot(uint16_t slot) const { return table_->Find(slot); }
  const erofs::Image* ImageOf(NodeId id) const { return table_->Find(SlotOf(id)); }

  // The id of the folder `nid`, found in `branch` of `folder`: in a merged folder, the one that it is shown
  // under; in a departed one, that of then; in the folder of a single layer it is that layer's own, though
  // parts of it may be shown elsewhere.
  NodeId IdOfChildFolder(NodeId folder, const Branch& branch, erofs::Nid nid) const;

  // The node of a directory entry found in `branch` of `folder`.
  Result<Node> NodeOf(NodeId folder, const Branch& branch, erofs::Nid nid) const;

  // Follows `path` ("" or "/" is the root; symlinks are not followed) from the root. Nothing if it is not
  // there.
  Result<std::optional<Node>> Walk(std::string_view path) const;

 private:
  friend class ViewBuilder;
  friend class DepartedKeeper;

  // A folder that is not merged, as the one branch that it is.
  Result<Branch> OwnBranch(NodeId folder) const;

  View(uint64_t generation, std::vector<StackLayer> stack, std::shared_ptr<const LayerTable> table)
      : generation_(generation), stack_(std::move(stack)), table_(std::move(table)) {}

  uint64_t generation_;
  std::vector<StackLayer> stack_;
  std::shared_ptr<const LayerTable> table_;
  std::unordered_map<NodeId, Branches> merged_;      // by the id shown; the root always
  std::unordered_map<NodeId, NodeId> merged_id_of_;  // by each branch's own id; of those that are shown
  std::unordered_map<NodeId, Departed> departed_;    // of those in merged_
};

}  // namespace veneer::core
