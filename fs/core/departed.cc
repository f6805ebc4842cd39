#include "fs/core/departed.h"

#include <algorithm>
#include <set>

#include "fs/core/folder_names.h"

namespace veneer::core {

Status DepartedKeeper::Run() {
  VENEER_TRY(VisitChildren(kRootId, ""));
  for (const auto& [folder, gone] : former_.departed_) {
    VENEER_TRY(KeepIfGone(folder, gone.path));
    const auto kept = next_.departed_.find(folder);
    if (kept != next_.departed_.end()) kept->second.folder_ids = gone.folder_ids;
  }
  return {};
}

// `folder` is merged in the former view. Only what a branch above the lowest names can be merged below it.
Status DepartedKeeper::VisitChildren(NodeId folder, const std::string& path) {
  VENEER_ASSIGN(const std::set<std::string> names, UpperFolderNames(former_.merged_.at(folder)));
  for (const std::string& name : names) {
    VENEER_ASSIGN(const auto child, former_.Lookup(folder, name));
    if (!child || !child->merged) continue;
    if (const auto above = next_.departed_.find(folder); above != next_.departed_.end()) {
      for (const Branch& branch : former_.merged_.at(child->id)) {
        above->second.folder_ids.emplace(MakeNodeId(branch.slot, branch.inode.nid), child->id);
      }
    }
    const std::string child_path = path.empty() ? name : path + "/" + name;
    VENEER_TRY(KeepIfGone(child->id, child_path));
    VENEER_TRY(VisitChildren(child->id, child_path));
  }
  return {};
}

// A folder that has departed may hold some that have not, which are in another folder of that path now. A
// folder with a branch in a layer that was let go is the one of its lowest layer from then on.
Status DepartedKeeper::KeepIfGone(NodeId folder, const std::string& path) {
  const Branches& branches = former_.merged_.at(folder);
  const auto is_gone = [this](const Branch& branch) {
    return unfit_.contains(branch.slot) || next_.ImageInSlot(branch.slot) == nullptr;
  };
  if (std::any_of(branches.begin(), branches.end(), is_gone)) return {};
  VENEER_ASSIGN(const auto there, next_.Walk(path));
  if (there && there->id == folder) return {};
  next_.merged_.emplace(folder, branches);
  next_.departed_.emplace(folder, Departed{path, {}});
  return {};
}

}  // namespace veneer::core
