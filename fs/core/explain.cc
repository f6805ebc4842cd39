#include "fs/core/explain.h"

#include <deque>

#include "fs/erofs/overlay.h"

namespace veneer::core {
namespace {

constexpr int kMostSymlinks = 40;  // as the kernel's limit

// Puts the components of `path` in front of `rest`.
void Prepend(std::string_view path, std::deque<std::string>& rest) {
  std::deque<std::string> parts;
  while (!path.empty()) {
    const size_t slash = path.find('/');
    if (slash != 0) parts.emplace_back(path.substr(0, slash));
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
  }
  rest.insert(rest.begin(), parts.begin(), parts.end());
}

std::string Join(const std::vector<std::string>& parts) {
  std::string path;
  for (const std::string& part : parts) path += path.empty() ? part : "/" + part;
  return path;
}

// One layer on the way down to a path.
struct Trail {
  size_t layer = 0;
  const erofs::Image* image = nullptr;
  std::optional<erofs::Inode> inode;  // of what is at the path so far; nothing once it ends
  std::optional<size_t> hidden_by;    // the layer above that covers it from here on
  std::string hidden_at;
};

// Goes from each layer's folder to the child `name`.
Status Descend(std::vector<Trail>& trails, std::string_view name) {
  for (Trail& trail : trails) {
    if (!trail.inode) continue;
    if (!trail.inode->IsFolder()) {
      trail.inode.reset();
      continue;
    }
    VENEER_ASSIGN(const auto entry, trail.image->Lookup(*trail.inode, name));
    trail.inode.reset();
    if (!entry) continue;
    VENEER_ASSIGN(trail.inode, trail.image->ReadInode(entry->nid));
  }
  return {};
}

// Marks the layers below the first one that lets nothing through at `path`.
Status Cover(std::vector<Trail>& trails, const std::string& path) {
  const Trail* cover = nullptr;
  for (Trail& trail : trails) {  // topmost first
    if (cover != nullptr && !trail.hidden_by) {
      trail.hidden_by = cover->layer;
      trail.hidden_at = path;
    }
    if (cover != nullptr || !trail.inode || trail.hidden_by) continue;
    bool solid = !trail.inode->IsFolder();
    if (!solid) {
      VENEER_ASSIGN(solid, erofs::IsOpaque(*trail.image, *trail.inode));
    }
    if (solid) cover = &trail;
  }
  return {};
}

Result<std::vector<LayerEntry>> Judge(const std::vector<Trail>& trails, const std::string& path) {
  std::vector<LayerEntry> entries;
  std::optional<size_t> given;
  for (const Trail& trail : trails) {
    if (!trail.inode) continue;
    LayerEntry entry{trail.layer, *trail.inode, LayerEntry::Role::kHidden, false, 0, trail.hidden_at};
    if (trail.inode->IsFolder()) {
      VENEER_ASSIGN(entry.opaque, erofs::IsOpaque(*trail.image, *trail.inode));
    }
    if (trail.hidden_by) {
      entry.hidden_by = *trail.hidden_by;
    } else if (given && trail.inode->IsFolder()) {
      entry.role = LayerEntry::Role::kMerges;
    } else if (given) {  // what is no folder ends a merge, and shows nothing
      entry.hidden_by = *given;
      entry.hidden_at = path;
    } else {
      entry.role = trail.inode->IsWhiteout() ? LayerEntry::Role::kHides : LayerEntry::Role::kGives;
      given = trail.layer;
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

}  // namespace

Result<std::string> ResolveFolders(const View& view, std::string_view path) {
  std::deque<std::string> rest;
  Prepend(path, rest);
  std::vector<std::string> done;
  int symlinks = 0;
  while (!rest.empty()) {
    const std::string name = std::move(rest.front());
    rest.pop_front();
    if (name == ".") continue;
    if (name == "..") {
      if (!done.empty()) done.pop_back();
      continue;
    }
    done.push_back(name);
    if (rest.empty()) break;
    VENEER_ASSIGN(const auto node, view.Walk(Join(done)));
    if (!node || !node->inode.IsSymlink()) continue;
    if (++symlinks > kMostSymlinks) return Fail(ErrorCode::kUsage, "/{}: too many symlinks", path);
    VENEER_ASSIGN(const std::string target, view.ImageInSlot(node->slot)->ReadLink(node->inode));
    done.pop_back();
    if (target.starts_with('/')) done.clear();
    Prepend(target, rest);
  }
  return Join(done);
}

Result<std::vector<LayerEntry>> Explain(const View& view, const std::string& path) {
  const auto& stack = view.stack();
  std::vector<Trail> trails;
  for (size_t i = stack.size(); i-- > 0;) {
    const erofs::Image* image = stack[i].image.get();
    VENEER_ASSIGN(const erofs::Inode root, image->ReadInode(image->root()));
    trails.push_back({i, image, root, std::nullopt, ""});
  }
  VENEER_TRY(Cover(trails, ""));
  std::deque<std::string> names;
  Prepend(path, names);
  std::string walked;
  for (const std::string& name : names) {
    walked += walked.empty() ? name : "/" + name;
    VENEER_TRY(Descend(trails, name));
    VENEER_TRY(Cover(trails, walked));
  }
  return Judge(trails, walked);
}

}  // namespace veneer::core
