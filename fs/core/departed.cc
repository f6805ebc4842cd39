#include "fs/core/departed.h"

#include <algorithm>
#include <set>

#include "fs/core/folder_names.h"

namespace veneer::core {

Status DepartedKeeper::Run() {
  VENEER_TRY(VisitChildren(kRootId, "", false));
  for (const auto& [folder, path] : former_.departed_) {
    VENEER_ASSIGN(const auto there, next_.Walk(path));
    if (!there || there->id != folder) Keep(folder, path);
  }
  return {};
}

// `folder` is merged in the former view. Only what a branch above the lowest names can be merged below it.
Status DepartedKeeper::VisitChildren(NodeId folder, const std::string& path, bool departed) {
  VENEER_ASSIGN(const std::set<std::string> names, UpperFolderNames(former_.merged_.at(folder)));
  for (const std::string& name : names) {
    VENEER_TRY(VisitChild(folder, name, path.empty() ? name : path + "/" + name, departed));
  }
  return {};
}

Status DepartedKeeper::VisitChild(NodeId folder, const std::string& name, const std::string& path,
                                  bool departed) {
  VENEER_ASSIGN(const auto before, former_.Lookup(folder, name));
  if (!before || !before->merged) return {};
  if (!departed) {
    VENEER_ASSIGN(const auto after, next_.Lookup(folder, name));
    departed = !after || after->id != before->id;
  }
  if (departed) Keep(before->id, path);
  return VisitChildren(before->id, path, departed);
}

// A branch that has found another place in the next view keeps that. A folder with a branch in a layer that
// was let go is the one of its lowest layer from then on.
void DepartedKeeper::Keep(NodeId folder, const std::string& path) {
  const Branches& branches = former_.merged_.at(folder);
  const auto is_gone = [this](const Branch& branch) { return next_.ImageInSlot(branch.slot) == nullptr; };
  if (std::any_of(branches.begin(), branches.end(), is_gone)) return;
  if (!next_.merged_.emplace(folder, branches).second) return;
  next_.departed_.emplace(folder, path);
  for (const Branch& branch : branches) {
    next_.merged_id_of_.emplace(MakeNodeId(branch.slot, branch.inode.nid), folder);
  }
}

}  // namespace veneer::core
