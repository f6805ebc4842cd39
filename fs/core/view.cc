#include "fs/core/view.h"

namespace veneer::core {

const Branches* View::MergedBranches(NodeId folder) const {
  const auto found = merged_.find(folder);
  return found == merged_.end() ? nullptr : &found->second;
}

NodeId View::IdOfFolder(uint16_t slot, erofs::Nid nid) const {
  const NodeId own = MakeNodeId(slot, nid);
  if (const auto found = merged_id_of_.find(own); found != merged_id_of_.end()) return found->second;
  const erofs::Image* image = table_->Find(slot);
  return image != nullptr && image->root() == nid ? kRootId : own;
}

Result<Node> View::Get(NodeId id) const {
  if (const Branches* branches = MergedBranches(id)) {
    const Branch& top = branches->front();
    return Node{id, top.slot, top.inode, branches->size() > 1};
  }
  const erofs::Image* image = ImageOf(id);
  if (image == nullptr) return Fail(ErrorCode::kNotFound, "node {:#x} is of no layer of this mount", id);
  VENEER_ASSIGN(const erofs::Inode inode, image->ReadInode(NidOf(id)));
  return Node{id, SlotOf(id), inode, false};
}

Result<Branches> View::BranchesOf(NodeId folder) const {
  if (const Branches* branches = MergedBranches(folder)) return *branches;
  VENEER_ASSIGN(const Branch own, OwnBranch(folder));
  return Branches{own};
}

Result<Branch> View::OwnBranch(NodeId folder) const {
  const erofs::Image* image = ImageOf(folder);
  if (image == nullptr) return Fail(ErrorCode::kNotFound, "node {:#x} is of no layer of this mount", folder);
  VENEER_ASSIGN(const erofs::Inode inode, image->ReadInode(NidOf(folder)));
  if (!inode.IsFolder()) return Fail(ErrorCode::kUsage, "node {:#x} is not a folder", folder);
  return Branch{SlotOf(folder), image, inode};
}

NodeId View::IdOfChildFolder(NodeId folder, const Branch& branch, erofs::Nid nid) const {
  // In an image whose folders form a loop; the kernel refuses the root as a child.
  if (nid == branch.image->root()) return kRootId;
  const NodeId own = MakeNodeId(branch.slot, nid);
  if (const auto departed = departed_.find(folder); departed != departed_.end()) {
    const auto found = departed->second.folder_ids.find(own);
    return found == departed->second.folder_ids.end() ? own : found->second;
  }
  return MergedBranches(folder) == nullptr ? own : IdOfFolder(branch.slot, nid);
}

Result<Node> View::NodeOf(NodeId folder, const Branch& branch, erofs::Nid nid) const {
  VENEER_ASSIGN(const erofs::Inode inode, branch.image->ReadInode(nid));
  Node node{MakeNodeId(branch.slot, nid), branch.slot, inode, false};
  if (inode.IsFolder()) {
    node.id = IdOfChildFolder(folder, branch, nid);
    const Branches* branches = MergedBranches(node.id);
    node.merged = branches != nullptr && branches->size() > 1;
  }
  return node;
}

namespace {

// The entry `name` in the topmost of `count` branches that has it, whiteouts included.
Result<std::optional<std::pair<const Branch*, erofs::Nid>>> FindTopmost(const Branch* branches, size_t count,
                                                                        std::string_view name) {
  for (size_t i = 0; i < count; ++i) {
    VENEER_ASSIGN(const auto entry, branches[i].image->Lookup(branches[i].inode, name));
    if (entry) return std::pair(&branches[i], entry->nid);
  }
  return std::nullopt;
}

}  // namespace

Result<std::optional<Node>> View::Lookup(NodeId folder, std::string_view name) const {
  // Most folders have one branch, and a look-up is what is asked most: no list is made for it.
  const Branches* branches = MergedBranches(folder);
  Branch own;
  if (branches == nullptr) {
    VENEER_ASSIGN(own, OwnBranch(folder));
  }
  VENEER_ASSIGN(const auto found, branches != nullptr ? FindTopmost(branches->data(), branches->size(), name)
                                                      : FindTopmost(&own, 1, name));
  if (!found) return std::nullopt;
  VENEER_ASSIGN(const Node node, NodeOf(folder, *found->first, found->second));
  if (node.inode.IsWhiteout()) return std::nullopt;
  return node;
}

Result<std::optional<Node>> View::Walk(std::string_view path) const {
  VENEER_ASSIGN(Node node, Get(kRootId));
  while (!path.empty()) {
    const size_t slash = path.find('/');
    const std::string_view name = path.substr(0, slash);
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
    if (name.empty()) continue;
    if (!node.inode.IsFolder()) return std::nullopt;
    VENEER_ASSIGN(const auto child, Lookup(node.id, name));
    if (!child) return std::nullopt;
    node = *child;
  }
  return node;
}

}  // namespace veneer::core
