#include "fs/core/folder_names.h"

#include "fs/erofs/dir_cursor.h"

namespace veneer::core {
namespace {

Status AddFolderNames(const Branch& branch, std::set<std::string>& names) {
  VENEER_ASSIGN(erofs::DirCursor cursor, erofs::DirCursor::Open(*branch.image, branch.inode));
  while (cursor.entry() != nullptr) {
    const auto& entry = *cursor.entry();
    if (entry.name != "." && entry.name != "..") {
      VENEER_ASSIGN(const erofs::Inode inode, branch.image->ReadInode(entry.nid));
      if (inode.IsFolder()) names.emplace(entry.name);
    }
    VENEER_TRY(cursor.Next());
  }
  return {};
}

}  // namespace

Result<std::set<std::string>> UpperFolderNames(const Branches& branches) {
  std::set<std::string> names;
  for (size_t i = 0; i + 1 < branches.size(); ++i) VENEER_TRY(AddFolderNames(branches[i], names));
  return names;
}

}  // namespace veneer::core
