#include "fs/erofs/overlay.h"

namespace veneer::erofs {

bool IsPrivateXattr(std::string_view name) {
  return name.starts_with("trusted.overlay.");
}

Result<bool> IsOpaque(const Image& image, const Inode& folder) {
  VENEER_ASSIGN(const auto value, image.GetXattr(folder, kOpaqueXattr));
  return value == "y";
}

}  // namespace veneer::erofs
