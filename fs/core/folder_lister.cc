#include "fs/core/folder_lister.h"

#include <dirent.h>

#include <string>

namespace veneer::core {
namespace {

// A cookie, from its lowest bit: index in the block 9, block of the folder 20, branch 8, generation 26.
constexpr unsigned kIndexBits = 9;
constexpr unsigned kBlockBits = 20;
constexpr unsigned kBranchBits = 8;
constexpr uint64_t kGenerationModulus = (uint64_t{1} << 26) - 1;

constexpr uint64_t Low(uint64_t value, unsigned bits) {
  return value & ((uint64_t{1} << bits) - 1);
}

Cookie MakeCookie(uint64_t generation, size_t branch, uint32_t block, uint16_t index) {
  uint64_t cookie = CookieGeneration(generation);
  cookie = cookie << kBranchBits | Low(branch, kBranchBits);
  cookie = cookie << kBlockBits | Low(block, kBlockBits);
  return cookie << kIndexBits | Low(index, kIndexBits);
}

}  // namespace

uint64_t GenerationInCookie(Cookie cookie) {
  return cookie >> (kIndexBits + kBlockBits + kBranchBits);
}

// Never 0, so that no entry's cookie is the start.
uint64_t CookieGeneration(uint64_t generation) {
  return generation % kGenerationModulus + 1;
}

Result<FolderLister> FolderLister::Open(const View& view, NodeId folder, Cookie cookie) {
  VENEER_ASSIGN(Branches branches, view.BranchesOf(folder));
  FolderLister lister(view, folder, std::move(branches));
  lister.cursors_.reserve(lister.branches_.size());
  for (const Branch& branch : lister.branches_) {
    VENEER_ASSIGN(erofs::DirCursor cursor, erofs::DirCursor::Open(*branch.image, branch.inode));
    lister.cursors_.push_back(std::move(cursor));
  }
  if (cookie != 0) VENEER_TRY(lister.SeekBehind(cookie));
  VENEER_TRY(lister.Settle());
  return lister;
}

// The name at the cookie's place says where to go on in every branch.
Status FolderLister::SeekBehind(Cookie cookie) {
  const auto index = static_cast<uint16_t>(Low(cookie, kIndexBits));
  const auto block = static_cast<uint32_t>(Low(cookie >> kIndexBits, kBlockBits));
  const size_t branch = Low(cookie >> (kIndexBits + kBlockBits), kBranchBits);
  if (branch >= cursors_.size())
    return Fail(ErrorCode::kUsage, "listing position {:#x} is of no branch", cookie);
  erofs::DirCursor& named = cursors_[branch];
  VENEER_TRY(named.SeekTo(block, index));
  if (named.entry() == nullptr) {
    at_end_ = true;
    return {};
  }
  const std::string name(named.entry()->name);
  for (erofs::DirCursor& cursor : cursors_) VENEER_TRY(cursor.SeekBehind(name));
  return {};
}

Result<bool> FolderLister::IsWhiteout() const {
  if (entry_.type != DT_CHR && entry_.type != DT_UNKNOWN) return false;
  VENEER_ASSIGN(const erofs::Inode inode, entry_.branch->image->ReadInode(entry_.nid));
  return inode.IsWhiteout();
}

// Takes the least name among the cursors, from the topmost branch that has it, passing over whiteouts.
Status FolderLister::Settle() {
  while (!at_end_) {
    size_t least = cursors_.size();
    for (size_t i = 0; i < cursors_.size(); ++i) {
      if (cursors_[i].entry() == nullptr) continue;
      if (least == cursors_.size() || cursors_[i].entry()->name < cursors_[least].entry()->name) least = i;
    }
    if (least == cursors_.size()) {
      at_end_ = true;
      return {};
    }
    const erofs::DirCursor::Entry& found = *cursors_[least].entry();
    entry_ = {found.name, found.type, &branches_[least], found.nid,
              MakeCookie(view_->generation(), least, found.block, found.index)};
    VENEER_ASSIGN(const bool whiteout, IsWhiteout());
    if (!whiteout) return {};
    VENEER_TRY(Skip(found.name));
  }
  return {};
}

// Moves every cursor that stands at `name` on.
Status FolderLister::Skip(std::string_view name) {
  if (cursors_.size() == 1) return cursors_.front().Next();
  const std::string held(name);  // the name goes when its cursor moves
  for (erofs::DirCursor& cursor : cursors_) {
    if (cursor.entry() != nullptr && cursor.entry()->name == held) VENEER_TRY(cursor.Next());
  }
  return {};
}

Status FolderLister::Next() {
  if (at_end_) return {};
  VENEER_TRY(Skip(entry_.name));
  return Settle();
}

NodeId FolderLister::EntryId() const {
  if (entry_.name == ".") return folder_;
  if (entry_.name == "..") {
    // Whichever branch it stands in, its parent there is a branch of the folder above.
    if (folder_ == kRootId) return kRootId;
    return view_->IdOfFolder(entry_.branch->slot, entry_.nid);
  }
  if (entry_.type == DT_DIR || entry_.type == DT_UNKNOWN)
    return view_->IdOfChildFolder(folder_, *entry_.branch, entry_.nid);
  return MakeNodeId(entry_.branch->slot, entry_.nid);
}

}  // namespace veneer::core
