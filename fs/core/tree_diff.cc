#include "fs/core/tree_diff.h"

#include <algorithm>
#include <optional>
#include <set>
#include <unordered_map>

#include "fs/base/parallel.h"
#include "fs/core/folder_lister.h"
#include "fs/erofs/overlay.h"
#include "fs/layer/image_content.h"

namespace veneer::core {
namespace {

using layer::TreeEntry;

std::string_view ParentOf(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

std::string_view NameOf(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

class Comparer {
 public:
  Comparer(const layer::TreeListing& tree, const View& below, const layer::Progress& progress)
      : tree_(tree),
        below_(below),
        progress_(progress),
        nodes_(tree.entries.size()),
        changed_(tree.entries.size()) {}

  Result<TreeDifference> Run() {
    VENEER_TRY(FindNodesBelow());
    VENEER_TRY(CompareEntries());
    SpreadOverLinks();
    VENEER_TRY(FindRemovals());
    CarryFoldersAbove();
    for (size_t i = 0; i < changed_.size(); ++i) {
      if (changed_[i] != 0) difference_.carried.push_back(i);
    }
    return std::move(difference_);
  }

 private:
  // What lies below at the path of each entry. The listing has each folder before what is in it.
  Status FindNodesBelow() {
    for (size_t i = 0; i < tree_.entries.size(); ++i) {
      const TreeEntry& entry = tree_.entries[i];
      if (entry.IsFolder()) folders_.emplace(entry.path, i);
      if (entry.path.empty()) {
        VENEER_ASSIGN(nodes_[i], below_.Get(kRootId));
        continue;
      }
      const std::optional<Node>& parent = nodes_[folders_.at(ParentOf(entry.path))];
      if (!parent || !parent->inode.IsFolder()) continue;
      VENEER_ASSIGN(nodes_[i], below_.Lookup(parent->id, NameOf(entry.path)));
    }
    return {};
  }

  Status CompareEntries() {
    layer::StageProgress progress(progress_, "comparing", tree_.content_size);
    return ParallelFor(tree_.entries.size(), [&](uint64_t i) -> Status {
      VENEER_ASSIGN(const bool differs, Differs(i));
      changed_[i] = differs ? 1 : 0;
      const TreeEntry& entry = tree_.entries[i];
      if (entry.IsRegular() && entry.first_link == i) progress.Add(entry.size);
      return {};
    });
  }

  Result<bool> Differs(size_t i) const {
    const TreeEntry& entry = tree_.entries[i];
    if (!nodes_[i]) return true;
    const Node& node = *nodes_[i];
    const erofs::Inode& inode = node.inode;
    if (inode.mode != entry.mode || inode.uid != entry.uid || inode.gid != entry.gid ||
        inode.mtime != entry.mtime || inode.mtime_nsec != entry.mtime_nsec || inode.rdev != entry.rdev) {
      return true;
    }
    const erofs::Image& image = *below_.ImageInSlot(node.slot);
    VENEER_ASSIGN(const auto xattrs, erofs::ShownXattrs(image, inode));
    if (xattrs != entry.xattrs) return true;
    if (entry.IsFolder()) return false;
    if (inode.nlink != entry.nlink) return true;
    if (entry.IsSymlink()) {
      VENEER_ASSIGN(const std::string target, image.ReadLink(inode));
      return target != entry.target;
    }
    if (!entry.IsRegular()) return false;
    if (inode.size != entry.size) return true;
    VENEER_ASSIGN(const Digest content, layer::HashContent(image, inode, nullptr));
    return content != entry.content;
  }

  // The paths of one inode are one thing: all unchanged and one inode below too, or all carried.
  void SpreadOverLinks() {
    const auto& entries = tree_.entries;
    for (size_t i = 0; i < entries.size(); ++i) {
      const size_t first = entries[i].first_link;
      if (first == i) continue;
      const bool one_below = nodes_[i] && nodes_[first] && nodes_[i]->id == nodes_[first]->id;
      if (changed_[i] != 0 || !one_below) changed_[first] = 1;
    }
    for (size_t i = 0; i < entries.size(); ++i) {
      if (!entries[i].IsFolder()) changed_[i] = changed_[entries[i].first_link];
    }
  }

  Status FindRemovals() {
    std::unordered_map<std::string_view, std::set<std::string_view>> names;  // by folder
    for (const TreeEntry& entry : tree_.entries) {
      if (!entry.path.empty()) names[ParentOf(entry.path)].insert(NameOf(entry.path));
    }
    for (const auto& [path, i] : folders_) {
      if (nodes_[i] && nodes_[i]->inode.IsFolder()) VENEER_TRY(FindRemovalsIn(i, names[path]));
    }
    std::sort(difference_.whiteouts.begin(), difference_.whiteouts.end());
    std::sort(difference_.opaque.begin(), difference_.opaque.end());
    return {};
  }

  // Whiteouts keep a folder's identity, and with it what is mounted or working in it; a folder that has no
  // name in common with the one below is another folder.
  Status FindRemovalsIn(size_t folder, const std::set<std::string_view>& kept) {
    const std::string& path = tree_.entries[folder].path;
    std::vector<std::string> removed;
    bool common = false;
    VENEER_ASSIGN(FolderLister lister, FolderLister::Open(below_, nodes_[folder]->id, 0));
    while (lister.entry() != nullptr) {
      const std::string_view name = lister.entry()->name;
      if (name != "." && name != "..") {
        if (kept.contains(name)) {
          common = true;
        } else {
          removed.push_back(path.empty() ? std::string(name) : path + "/" + std::string(name));
        }
      }
      VENEER_TRY(lister.Next());
    }
    if (removed.empty()) return {};
    changed_[folder] = 1;
    if (common || kept.empty() || path.empty()) {
      std::move(removed.begin(), removed.end(), std::back_inserter(difference_.whiteouts));
    } else {
      difference_.opaque.push_back(path);
    }
    return {};
  }

  void CarryFoldersAbove() {
    for (size_t i = tree_.entries.size(); i-- > 1;) {
      if (changed_[i] != 0) changed_[folders_.at(ParentOf(tree_.entries[i].path))] = 1;
    }
  }

  const layer::TreeListing& tree_;
  const View& below_;
  const layer::Progress& progress_;
  std::vector<std::optional<Node>> nodes_;                // by index in the listing
  std::vector<uint8_t> changed_;                          // likewise; bytes, since threads write neighbours
  std::unordered_map<std::string_view, size_t> folders_;  // index of each folder, by path
  TreeDifference difference_;
};

}  // namespace

Result<TreeDifference> CompareTree(const layer::TreeListing& tree, const View& below,
                                   const layer::Progress& progress) {
  return Comparer(tree, below, progress).Run();
}

}  // namespace veneer::core
