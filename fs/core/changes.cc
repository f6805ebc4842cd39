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
    VENEER_TRY(CompareFolder(kRootId, 0, ""));
    for (const ChangedEntry& entry : changes_.entries_) {
      changes_.entry_hashes_.insert(HashEntry(entry.folder, entry.name()));
    }
    for (const ChangedFolder& folder : changes_.folders_) changes_.folder_ids_.insert(folder.folder);
    return std::move(changes_);
  }

 private:
  // `folder` has the same id in both. Equal branches mean an equal subtree.
  Status CompareFolder(NodeId folder, NodeId parent, const std::string& path) {
    VENEER_ASSIGN(const Branches a, before_.BranchesOf(folder));
    VENEER_ASSIGN(const Branches b, after_.BranchesOf(folder));
    if (SameBranches(a, b)) return {};
    if (!SameBranch(a.front(), b.front()) || (a.size() > 1) != (b.size() > 1)) {
      changes_.folders_.push_back({folder, parent, path});
    }
    VENEER_ASSIGN(const std::set<std::string> names, Candidates(a, b));
    for (const std::string& name : names) VENEER_TRY(CompareChild(folder, name, path));
    return {};
  }

  Status CompareChild(NodeId folder, const std::string& name, const std::string& folder_path) {
    VENEER_ASSIGN(const auto a, before_.Lookup(folder, name));
    VENEER_ASSIGN(const auto b, after_.Lookup(folder, name));
    const NodeId id_a = a ? a->id : 0;
    const NodeId id_b = b ? b->id : 0;
    std::string path = folder_path.empty() ? name : folder_path + "/" + name;
    if (id_a != id_b) {
      changes_.entries_.push_back({folder, std::move(path), id_a, id_b});
      return {};
    }
    if (a && a->inode.IsFolder()) return CompareFolder(id_a, folder, path);
    return {};
  }

  const View& before_;
  const View& after_;
  Changes changes_;
};

Result<Changes> Changes::Between(const View& before, const View& after) {
  return Comparison(before, after).Run();
}

bool Changes::HasEntry(NodeId folder, std::string_view name) const {
  return entry_hashes_.contains(HashEntry(folder, name));
}

std::vector<NodeId> Changes::Stale() const {
  std::set<NodeId> stale;
  for (const ChangedEntry& entry : entries_) stale.insert(entry.folder);
  for (const ChangedFolder& folder : folders_) stale.insert(folder.folder);
  return {stale.begin(), stale.end()};
}

}  // namespace veneer::core
