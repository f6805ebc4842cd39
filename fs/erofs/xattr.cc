// Image::ListXattrs and GetXattr.
#include "fs/erofs/image.h"
#include "fs/erofs/xattr_cursor.h"

namespace veneer::erofs {

Result<std::vector<Xattr>> Image::ListXattrs(const Inode& inode) const {
  std::vector<Xattr> xattrs;
  VENEER_ASSIGN(XattrCursor cursor, XattrCursor::Open(*source_, inode, super_.xattr_offset));
  for (;;) {
    VENEER_ASSIGN(const std::optional<XattrEntry> entry, cursor.Next());
    if (!entry) return xattrs;
    const std::string_view prefix = XattrPrefix(entry->name_index);
    if (prefix.empty()) continue;
    xattrs.push_back({std::string(prefix).append(entry->suffix), std::string(AsText(entry->value))});
  }
}

Result<std::optional<std::string>> Image::GetXattr(const Inode& inode, std::string_view name) const {
  VENEER_ASSIGN(XattrCursor cursor, XattrCursor::Open(*source_, inode, super_.xattr_offset));
  for (;;) {
    VENEER_ASSIGN(const std::optional<XattrEntry> entry, cursor.Next());
    if (!entry) return std::optional<std::string>();
    const std::string_view prefix = XattrPrefix(entry->name_index);
    if (!prefix.empty() && name.starts_with(prefix) && name.substr(prefix.size()) == entry->suffix)
      return std::string(AsText(entry->value));
  }
}

}  // namespace veneer::erofs
