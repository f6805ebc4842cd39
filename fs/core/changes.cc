#include "fs/core/changes.h"

#include <algorithm>
#include <functional>
#include <set>

#include "fs/erofs/dir_cursor.h"

namespace veneer::core {
namespace {

uint64_t HashEntry(NodeId folder, std::string_view name) {
  constexpr uint64_t kOdd = 0x9e3779b97f4a7c15;  // 2^64 / golden ratio
  return (folder * kOdd) ^ std::hash<std::string_view>{}(name);
}

bool SameBranch(const Branch& a, const Branch& b) {
  return a.slot == b.slot && a.inode.nid == b.inode.nid;
}

bool SameBranches(const Branches& a, const Branches& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), SameBranch);
}

Status AddNames(const Branch& branch, std::set<std::string>& names) {
  VENEER_ASSIGN(erofs::DirCursor cursor, erofs::DirCursor::Open(*branch.image, branch.inode));
  while (cursor.entry() != nullptr) {
    const std::string_view name = cursor.entry()->name;
    if (name != "." && name != "..") names.emplace(name);
    VENEER_TRY(cursor.Next());
  }
  return {};
}

// The names that can have another child in `a` than in `b`: all that a branch names which is not the lowest
// of both.
Result<std::set<std::string>> Candidates(const Branches& a, const Branches& b) {
  const bool same_lowest = SameBranch(a.back(), b.back());
  std::set<std::string> names;
  for (const Branches* branches : {&a, &b}) {
    const size_t count = branches->size() - (same_lowest ? 1 : 0);
    for (size_t i = 0; i < count; ++i) VENEER_TRY(AddNames((*branches)[i], names));
  }
  return names;
}

}  // namespace

class Comparison {
 public:
  Comparison(const View& before, const View& after) : before_(before), after_(after) {}

  Result<Changes> Run() {
    VENEER_TRY(CompareFolder({kRootId, 0, ""}, changes_.shown_));
    for (const auto& [folder, gone] : before_.departed()) {
      VENEER_TRY(CompareFolder({folder, 0, gone.path}, changes_.hidden_));
    }
    for (const Changes::Part* part : changes_.parts()) {
      for (const ChangedEntry& entry : part->entries) {
        changes_.entry_hashes_.insert(HashEntry(entry.folder, entry.name()));
      }
      for (const ChangedFolder& folder : part->folders) changes_.folder_ids_.insert(folder.folder);
    }
    return std::move(changes_);
  }

 private:
  // `folder` has the same id in both. Equal branches mean an equal subtree, but for a departed folder: one in
  // it may be shown in one of them, in another folder of the same path. Nobody holds a folder of a layer that
  // one of them does not have at all.
  Status CompareFolder(const ChangedFolder& folder, Changes::Part& part) {
    if (!seen_.insert(folder.folder).second || !Has(before_, folder.folder) || !Has(after_, folder.folder))
      return {};
    VENEER_ASSIGN(const Branches a, before_.BranchesOf(folder.folder));
    VENEER_ASSIGN(const Branches b, after_.BranchesOf(folder.folder));
    const bool departed =
        before_.departed().contains(folder.folder) || after_.departed().contains(folder.folder);
    if (SameBranches(a, b) && !departed) return {};
    if (!SameBranch(a.front(), b.front()) || (a.size() > 1) != (b.size() > 1)) part.folders.push_back(folder);
    VENEER_ASSIGN(const std::set<std::string> names, Candidates(a, b));
    for (const std::string& name : names) VENEER_TRY(CompareChild(folder, name, part));
    return {};
  }

  Status CompareChild(const ChangedFolder& folder, const std::string& name, Changes::Part& part) {
    VENEER_ASSIGN(const auto a, before_.Lookup(folder.folder, name));
    VENEER_ASSIGN(const auto b, after_.Lookup(folder.folder, name));
    const NodeId id_a = a ? a->id : 0;
    const NodeId id_b = b ? b->id : 0;
    const std::string path = folder.path.empty() ? name : folder.path + "/" + name;
    const bool same = id_a == id_b;
    const bool was_folder = a && a->inode.IsFolder();
    if (!same) part.entries.push_back({folder.folder, path, id_a, id_b, was_folder});
    // A folder that one of them does not show is still served there, as the one layer's folder that it is:
    // its branches are compared in the same way.
    Changes::Part& below = same ? part : changes_.hidden_;
    if (was_folder) VENEER_TRY(CompareFolder({id_a, folder.folder, path}, below));
    if (!same && b && b->inode.IsFolder()) VENEER_TRY(CompareFolder({id_b, folder.folder, path}, below));
    return {};
  }

  static bool Has(const View& view, NodeId folder) {
    return folder == kRootId || view.ImageOf(folder) != nullptr;
  }

  const View& before_;
  const View& after_;
  Changes changes_;
  std::unordered_set<NodeId> seen_;
};

Result<Changes> Changes::Between(const View& before, const View& after) {
  return Comparison(before, after).Run();
}

bool Changes::HasEntry(NodeId folder, std::string_view name) const {
  return entry_hashes_.contains(HashEntry(folder, name));
}

std::vector<NodeId> Changes::Stale() const {
  std::set<NodeId> stale;
  for (const Part* part : parts()) {
    for (const ChangedEntry& entry : part->entries) stale.insert(entry.folder);
    for (const ChangedFolder& folder : part->folders) stale.insert(folder.folder);
  }
  return {stale.begin(), stale.end()};
}

}  // namespace veneer::core
