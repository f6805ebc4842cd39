#include "fs/erofs/overlay.h"

#include <algorithm>

namespace veneer::erofs {

bool IsPrivateXattr(std::string_view name) {
  return name.starts_with("trusted.overlay.");
}

Result<std::vector<Xattr>> ShownXattrs(const Image& image, const Inode& inode) {
  VENEER_ASSIGN(auto xattrs, image.ListXattrs(inode));
  std::erase_if(xattrs, [](const Xattr& xattr) { return IsPrivateXattr(xattr.name); });
  std::sort(xattrs.begin(), xattrs.end());
  return xattrs;
}

Result<bool> IsOpaque(const Image& image, const Inode& folder) {
  VENEER_ASSIGN(const auto value, image.GetXattr(folder, kOpaqueXattr));
  return value == "y";
}

}  // namespace veneer::erofs
