// How a layer says to overlayfs, and to the union, what of the layers below is not to be seen. A whiteout is
// an inode: see Inode::IsWhiteout. Specification: Linux Documentation/filesystems/overlayfs.rst.
#pragma once

#include <string_view>
#include <vector>

#include "fs/base/error.h"
#include "fs/erofs/image.h"

namespace veneer::erofs {

// The xattr, with value "y", of a folder that hides those below it.
inline constexpr std::string_view kOpaqueXattr = "trusted.overlay.opaque";

// Whether overlayfs, and so we, keep this xattr to ourselves.
bool IsPrivateXattr(std::string_view name);

// The xattrs of `inode` that a mount shows, sorted by name. The errors of reading them.
Result<std::vector<Xattr>> ShownXattrs(const Image& image, const Inode& inode);

// Whether `folder` of `image` carries the opaque mark. The errors of reading it.
Result<bool> IsOpaque(const Image& image, const Inode& folder);

}  // namespace veneer::erofs
