#include "fs/core/view_diff.h"

#include <algorithm>

#include "fs/base/cancel.h"
#include "fs/base/parallel.h"
#include "fs/core/folder_lister.h"
#include "fs/erofs/overlay.h"
#include "fs/layer/image_content.h"

namespace veneer::core {
namespace {

constexpr unsigned kTypeBits = 0170000;

bool SameInode(const Node& a, const Node& b) {
  return a.slot == b.slot && a.inode.nid == b.inode.nid;
}

// Whether the folders show the same: their branches are the same.
Result<bool> SameFolder(const View& before, const View& after, const Node& a, const Node& b) {
  VENEER_ASSIGN(const Branches left, before.BranchesOf(a.id));
  VENEER_ASSIGN(const Branches right, after.BranchesOf(b.id));
  return std::equal(
      left.begin(), left.end(), right.begin(), right.end(),
      [](const Branch& x, const Branch& y) { return x.slot == y.slot && x.inode.nid == y.inode.nid; });
}

// One view's folder, listed without "." and "..".
class Listing {
 public:
  static Result<Listing> Open(const View& view, NodeId folder) {
    VENEER_ASSIGN(FolderLister lister, FolderLister::Open(view, folder, 0));
    Listing listing(std::move(lister));
    VENEER_TRY(listing.SkipDots());
    return listing;
  }

  bool at_end() const { return lister_.entry() == nullptr; }
  std::string_view name() const { return lister_.entry()->name; }
  Result<Node> node() const { return lister_.EntryNode(); }
  Status Next() {
    VENEER_TRY(lister_.Next());
    return SkipDots();
  }

 private:
  explicit Listing(FolderLister lister) : lister_(std::move(lister)) {}
  Status SkipDots() {
    while (!at_end() && (name() == "." || name() == "..")) VENEER_TRY(lister_.Next());
    return {};
  }

  FolderLister lister_;
};

class ViewComparer {
 public:
  ViewComparer(const View& before, const View& after, const layer::Progress& progress)
      : before_(before), after_(after), progress_(progress) {}

  Result<std::vector<PathChange>> Run() {
    VENEER_ASSIGN(const Node a, before_.Get(kRootId));
    VENEER_ASSIGN(const Node b, after_.Get(kRootId));
    VENEER_TRY(CompareNodes("", a, b));
    VENEER_TRY(CompareContents());
    std::erase_if(changes_, [](const PathChange& change) {
      return change.before && change.after && change.aspects.empty();
    });
    return std::move(changes_);
  }

 private:
  static std::string Below(const std::string& path, std::string_view name) {
    return path.empty() ? std::string(name) : path + "/" + std::string(name);
  }

  Status CompareNodes(const std::string& path, const Node& a, const Node& b) {
    VENEER_TRY(CheckCancel());
    const bool type = (a.inode.mode & kTypeBits) != (b.inode.mode & kTypeBits);
    if (!SameInode(a, b)) {
      PathChange change{path, a, b, {}};
      if (type) {
        change.aspects.emplace_back("type");
      } else {
        VENEER_TRY(AddAspects(change));
      }
      changes_.push_back(std::move(change));
    }
    if (a.inode.IsFolder() && b.inode.IsFolder()) return CompareFolders(path, a, b);
    if (a.inode.IsFolder()) return AddAllBelow(path, before_, a, true);
    if (b.inode.IsFolder()) return AddAllBelow(path, after_, b, false);
    return {};
  }

  // Both listings are sorted by the bytes of the names.
  Status CompareFolders(const std::string& path, const Node& a, const Node& b) {
    VENEER_ASSIGN(const bool same, SameFolder(before_, after_, a, b));
    if (same) return {};
    VENEER_ASSIGN(Listing left, Listing::Open(before_, a.id));
    VENEER_ASSIGN(Listing right, Listing::Open(after_, b.id));
    while (!left.at_end() || !right.at_end()) {
      const bool take_left = !left.at_end() && (right.at_end() || left.name() <= right.name());
      const bool take_right = !right.at_end() && (left.at_end() || right.name() <= left.name());
      const std::string child = Below(path, take_left ? left.name() : right.name());
      std::optional<Node> x;
      std::optional<Node> y;
      if (take_left) {
        VENEER_ASSIGN(x, left.node());
        VENEER_TRY(left.Next());
      }
      if (take_right) {
        VENEER_ASSIGN(y, right.node());
        VENEER_TRY(right.Next());
      }
      if (x && y) {
        VENEER_TRY(CompareNodes(child, *x, *y));
      } else {
        VENEER_TRY(AddOne(child, x ? before_ : after_, x ? *x : *y, x.has_value()));
      }
    }
    return {};
  }

  Status AddOne(const std::string& path, const View& view, const Node& node, bool vanished) {
    if (vanished) {
      changes_.push_back({path, node, std::nullopt, {}});
    } else {
      changes_.push_back({path, std::nullopt, node, {}});
    }
    return node.inode.IsFolder() ? AddAllBelow(path, view, node, vanished) : Status();
  }

  Status AddAllBelow(const std::string& path, const View& view, const Node& folder, bool vanished) {
    VENEER_TRY(CheckCancel());
    VENEER_ASSIGN(Listing listing, Listing::Open(view, folder.id));
    while (!listing.at_end()) {
      VENEER_ASSIGN(const Node node, listing.node());
      VENEER_TRY(AddOne(Below(path, listing.name()), view, node, vanished));
      VENEER_TRY(listing.Next());
    }
    return {};
  }

  // All but the content of regular files.
  Status AddAspects(PathChange& change) const {
    const erofs::Inode& a = change.before->inode;
    const erofs::Inode& b = change.after->inode;
    const erofs::Image& left = *before_.ImageInSlot(change.before->slot);
    const erofs::Image& right = *after_.ImageInSlot(change.after->slot);
    auto& aspects = change.aspects;
    if (a.mode != b.mode) aspects.emplace_back("mode");
    if (a.uid != b.uid || a.gid != b.gid) aspects.emplace_back("owner");
    if (a.mtime != b.mtime || a.mtime_nsec != b.mtime_nsec) aspects.emplace_back("mtime");
    if (a.rdev != b.rdev) aspects.emplace_back("device");
    if (!a.IsFolder() && a.nlink != b.nlink) aspects.emplace_back("links");
    VENEER_ASSIGN(const auto xattrs_a, erofs::ShownXattrs(left, a));
    VENEER_ASSIGN(const auto xattrs_b, erofs::ShownXattrs(right, b));
    if (xattrs_a != xattrs_b) aspects.emplace_back("xattrs");
    if (a.IsSymlink()) {
      VENEER_ASSIGN(const std::string target_a, left.ReadLink(a));
      VENEER_ASSIGN(const std::string target_b, right.ReadLink(b));
      if (target_a != target_b) aspects.emplace_back("target");
    }
    if (a.IsRegular() && a.size != b.size) aspects.emplace_back("content");
    return {};
  }

  // Reads only files of equal size, on all cores.
  Status CompareContents() {
    std::vector<PathChange*> equal_sizes;
    uint64_t bytes = 0;
    for (PathChange& change : changes_) {
      if (!change.before || !change.after) continue;
      const erofs::Inode& a = change.before->inode;
      const erofs::Inode& b = change.after->inode;
      if (!a.IsRegular() || !b.IsRegular() || a.size != b.size) continue;
      equal_sizes.push_back(&change);
      bytes += a.size + b.size;
    }
    layer::StageProgress meter(progress_, "comparing", bytes);
    return ParallelFor(equal_sizes.size(), [&](uint64_t i) -> Status {
      PathChange& change = *equal_sizes[i];
      const Node& a = *change.before;
      const Node& b = *change.after;
      VENEER_ASSIGN(const Digest left, layer::HashContent(*before_.ImageInSlot(a.slot), a.inode, &meter));
      VENEER_ASSIGN(const Digest right, layer::HashContent(*after_.ImageInSlot(b.slot), b.inode, &meter));
      if (left != right) change.aspects.emplace_back("content");
      return {};
    });
  }

  const View& before_;
  const View& after_;
  const layer::Progress& progress_;
  std::vector<PathChange> changes_;
};

}  // namespace

Result<std::vector<PathChange>> CompareViews(const View& before, const View& after,
                                             const layer::Progress& progress) {
  return ViewComparer(before, after, progress).Run();
}

}  // namespace veneer::core
