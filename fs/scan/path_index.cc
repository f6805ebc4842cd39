#include "fs/scan/path_index.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "fs/erofs/dir_cursor.h"

namespace veneer::scan {
namespace {

using Visit = std::function<bool(const std::string&, const erofs::Inode&)>;

class Walker {
 public:
  Walker(const erofs::Image& image, const Visit& visit) : image_(image), visit_(visit) {}

  void Run() {
    const auto root = image_.ReadInode(image_.root());
    if (!root || !visit_("", *root)) return;
    folders_.push_back({"", *root});
    entered_.insert(root->nid);
    while (!folders_.empty() && going_) {
      const auto [path, inode] = std::move(folders_.back());
      folders_.pop_back();
      VisitFolder(path, inode);
    }
  }

 private:
  void VisitFolder(const std::string& path, const erofs::Inode& folder) {
    auto cursor = erofs::DirCursor::Open(image_, folder);
    if (!cursor) return;
    while (going_ && cursor->entry() != nullptr) {
      const erofs::DirCursor::Entry& entry = *cursor->entry();
      if (entry.name != "." && entry.name != "..") VisitEntry(path, entry);
      if (!cursor->Next()) return;
    }
  }

  void VisitEntry(const std::string& folder, const erofs::DirCursor::Entry& entry) {
    const auto inode = image_.ReadInode(entry.nid);
    if (!inode) return;
    std::string path = folder.empty() ? std::string(entry.name) : folder + "/" + std::string(entry.name);
    if (inode->IsFolder() && !entered_.insert(inode->nid).second) return;
    going_ = visit_(path, *inode);
    if (inode->IsFolder()) folders_.emplace_back(std::move(path), *inode);
  }

  const erofs::Image& image_;
  const Visit& visit_;
  bool going_ = true;
  std::vector<std::pair<std::string, erofs::Inode>> folders_;
  std::unordered_set<erofs::Nid> entered_;
};

}  // namespace

void WalkPaths(const erofs::Image& image, const Visit& visit) {
  Walker(image, visit).Run();
}

std::vector<std::vector<std::string>> PathsOfBlocks(const erofs::Image& image,
                                                    const std::vector<uint64_t>& blocks) {
  std::vector<std::vector<std::string>> paths(blocks.size());
  WalkPaths(image, [&](const std::string& path, const erofs::Inode& inode) {
    const auto ranges = image.BlocksOf(inode);
    if (!ranges) return true;
    for (const erofs::BlockRange& range : *ranges) {
      auto hit = std::lower_bound(blocks.begin(), blocks.end(), range.begin);
      for (; hit != blocks.end() && *hit < range.end; ++hit) {
        auto& names = paths[static_cast<size_t>(hit - blocks.begin())];
        if (names.empty() || names.back() != path) names.push_back(path);
      }
    }
    return true;
  });
  return paths;
}

std::string PathOfInode(const erofs::Image& image, erofs::Nid nid) {
  std::string found;
  WalkPaths(image, [&](const std::string& path, const erofs::Inode& inode) {
    if (inode.nid == nid) found = path;
    return inode.nid != nid;
  });
  return found;
}

}  // namespace veneer::scan
