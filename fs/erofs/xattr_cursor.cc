#include "fs/erofs/xattr_cursor.h"

#include <algorithm>
#include <cstring>

namespace veneer::erofs {
namespace {

tl::unexpected<Error> FailIn(Nid nid, const Error& error) {
  return tl::unexpected<Error>(error.Within(fmt::format("inode {}", nid)));
}

}  // namespace

Result<XattrCursor> XattrCursor::Open(const io::BlockSource& source, const Inode& inode,
                                      uint64_t xattr_offset) {
  VENEER_ASSIGN(MetaView view, MetaView::Read(source, inode.offset + inode.header_size, inode.xattr_size));
  XattrCursor cursor(source, inode.nid, xattr_offset, std::move(view));
  if (inode.xattr_size == 0) return cursor;
  auto area = DecodeXattrArea(cursor.area_view_.bytes());
  if (!area) return FailIn(inode.nid, area.error());
  cursor.entries_ = area->entries;
  cursor.shared_ids_ = area->shared_ids;
  return cursor;
}

Result<std::optional<XattrEntry>> XattrCursor::Next() {
  place_ = {};
  if (!entries_.empty()) return NextInline();
  if (!shared_ids_.empty()) return NextShared();
  return std::optional<XattrEntry>();
}

Result<std::optional<XattrEntry>> XattrCursor::NextInline() {
  auto entry = DecodeXattrEntry(entries_);
  if (!entry) {
    entries_ = {};  // where the one behind it would start is not known
    return FailIn(nid_, entry.error());
  }
  const size_t size = sizeof(format::RawErofsXattrEntry) + entry->suffix.size() + entry->value.size();
  constexpr size_t kMask = format::kErofsXattrAlignment - 1;
  entries_ = entries_.subspan(std::min((size + kMask) & ~kMask, entries_.size()));
  return *entry;
}

Result<std::optional<XattrEntry>> XattrCursor::NextShared() {
  Le32 id;
  std::memcpy(&id, shared_ids_.data(), sizeof id);
  shared_ids_ = shared_ids_.subspan(sizeof id);

  format::RawErofsXattrEntry raw{};
  place_ = {xattr_offset_ + uint64_t{id} * format::kErofsXattrAlignment, sizeof raw};
  auto view = MetaView::Read(*source_, place_.offset, place_.size);
  if (!view) return FailIn(nid_, view.error());
  std::memcpy(&raw, view->bytes().data(), sizeof raw);
  place_.size = XattrEntrySize(raw);
  view = MetaView::Read(*source_, place_.offset, place_.size);
  if (!view) return FailIn(nid_, view.error());
  shared_view_ = std::move(*view);
  auto entry = DecodeXattrEntry(shared_view_->bytes());
  if (!entry) return FailIn(nid_, entry.error());
  return *entry;
}

}  // namespace veneer::erofs
