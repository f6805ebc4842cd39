#include "fs/layer/image_names.h"

#include <algorithm>

#include "fs/erofs/dir_cursor.h"

namespace veneer::layer {
namespace {

// Adds the names in the folder `folder`.
Status ListFolder(const erofs::Image& image, const ImageName& folder, const erofs::Inode& inode,
                  std::vector<ImageName>& names) {
  VENEER_ASSIGN(erofs::DirCursor cursor, erofs::DirCursor::Open(image, inode));
  while (const erofs::DirCursor::Entry* entry = cursor.entry()) {
    if (entry->name != "." && entry->name != "..") {
      std::string path = folder.path.empty() ? std::string() : folder.path + '/';
      names.push_back({path.append(entry->name), entry->nid});
    }
    VENEER_TRY(cursor.Next());
  }
  return {};
}

}  // namespace

Result<std::vector<ImageName>> ListImage(const erofs::Image& image, size_t limit) {
  std::vector<ImageName> names = {{"", image.root()}};
  // The list grows while it is gone through. An image whose folders contain themselves ends at the limit.
  for (size_t i = 0; i < names.size() && names.size() <= limit; ++i) {
    VENEER_ASSIGN(const erofs::Inode inode, image.ReadInode(names[i].nid));
    if (!inode.IsFolder()) continue;
    const ImageName folder = names[i];
    VENEER_TRY(ListFolder(image, folder, inode, names));
  }
  std::sort(names.begin(), names.end(),
            [](const ImageName& a, const ImageName& b) { return a.path < b.path; });
  return names;
}

}  // namespace veneer::layer
