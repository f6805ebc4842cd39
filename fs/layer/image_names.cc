#include "fs/layer/image_names.h"

#include <algorithm>

#include "fs/erofs/walk.h"

namespace veneer::layer {

Result<std::vector<ImageName>> ListImage(const erofs::Image& image) {
  std::vector<ImageName> names;
  VENEER_TRY(erofs::Walk(
      image, [&names](const std::string& path, erofs::Nid nid, const Result<erofs::Inode>& inode) -> Status {
        if (!inode) return tl::unexpected<Error>(inode.error());
        names.push_back({path, nid});
        return {};
      }));
  std::sort(names.begin(), names.end(),
            [](const ImageName& a, const ImageName& b) { return a.path < b.path; });
  return names;
}

}  // namespace veneer::layer
