#include "fs/erofs/dir_cursor.h"

#include <utility>

namespace veneer::erofs {

Result<DirCursor> DirCursor::Open(const Image& image, const Inode& folder) {
  if (!folder.IsFolder()) return Fail(ErrorCode::kCorrupt, "inode {}: is not a folder", folder.nid);
  DirCursor cursor(image, folder);
  VENEER_TRY(cursor.SeekTo(0, 0));
  return cursor;
}

Status DirCursor::Next() {
  if (at_end_) return {};
  const std::string_view previous = entry_.name;
  const io::BlockRef previous_data =
      entry_.index + 1 < current_.entries.size() ? nullptr : current_.data;  // keeps the name alive
  VENEER_TRY(SeekTo(entry_.block, static_cast<uint16_t>(entry_.index + 1)));
  if (at_end_ || previous < entry_.name) return {};
  return EndIfFailed(Fail(ErrorCode::kCorrupt, "folder inode {}, block {}: the names are not sorted",
                          folder_.nid, entry_.block));
}

Status DirCursor::SeekTo(uint32_t block, uint16_t index) {
  return EndIfFailed(MoveTo(block, index));
}

Status DirCursor::SeekName(std::string_view name) {
  return EndIfFailed(MoveToName(name, false));
}

Status DirCursor::SeekBehind(std::string_view name) {
  return EndIfFailed(MoveToName(name, true));
}

Status DirCursor::EndIfFailed(Status status) {
  if (!status) at_end_ = true;
  return status;
}

Status DirCursor::MoveTo(uint32_t block, uint16_t index) {
  at_end_ = block >= block_count_;
  if (at_end_) return {};
  VENEER_TRY(LoadBlock(block));
  if (index < current_.entries.size()) return LoadEntry(index);
  // A block holds one entry at least, so the one behind it is the first of the next.
  return MoveTo(block + 1, 0);
}

Status DirCursor::MoveToName(std::string_view name, bool behind) {
  VENEER_ASSIGN(std::optional<FolderBlock> found, FindFolderBlock(image_->source(), folder_, name));
  if (!found) return MoveTo(0, 0);
  current_ = std::move(*found);
  auto index = current_.entries.LowerBound(name);
  if (!index) return FailInFolder(folder_, current_.block, index.error());
  VENEER_TRY(MoveTo(current_.block, *index));
  return behind && !at_end_ && entry_.name == name
             ? MoveTo(entry_.block, static_cast<uint16_t>(entry_.index + 1))
             : Status();
}

Status DirCursor::LoadBlock(uint32_t block) {
  if (current_.data != nullptr && current_.block == block) return {};
  VENEER_ASSIGN(current_, ReadFolderBlock(image_->source(), folder_, block));
  return {};
}

Status DirCursor::LoadEntry(uint16_t index) {
  const auto entry = current_.entries.At(index);
  if (!entry) return FailInFolder(folder_, current_.block, entry.error());
  if (!image_->NidInImage(entry->nid)) {
    return Fail(ErrorCode::kCorrupt, "folder inode {}, block {}: entry {} names inode {} outside the image",
                folder_.nid, current_.block, index, entry->nid);
  }
  entry_ = {entry->name, entry->nid, entry->type, current_.block, index};
  return {};
}

}  // namespace veneer::erofs
