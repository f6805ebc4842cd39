#include "fs/fuse/switch_guard.h"

#include <sys/stat.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "fs/fuse/activation.h"
#include "fs/fuse/mount_table.h"

namespace veneer::fuse {
namespace {

bool IsBelow(const std::string& path, const std::string& folder) {
  return path.size() > folder.size() && path.starts_with(folder) &&
         (folder == "/" || path[folder.size()] == '/');
}

// The lower folders that an overlayfs's options name, `\:` and `\,` and the like unescaped.
std::vector<std::string> LowerFolders(const std::string& options) {
  constexpr std::string_view kKeys[] = {"lowerdir+=", "lowerdir=", "datadir+="};
  std::vector<std::string> folders;
  size_t at = 0;
  while (at < options.size()) {
    std::string_view rest = std::string_view(options).substr(at);
    bool is_lower = false;
    for (const std::string_view key : kKeys) {
      if (!rest.starts_with(key)) continue;
      is_lower = true;
      at += key.size();
      break;
    }
    std::string value;
    for (; at < options.size() && options[at] != ','; ++at) {
      if (options[at] == '\\' && at + 1 < options.size()) {
        value.push_back(options[++at]);
      } else if (options[at] == ':' && is_lower) {
        if (!value.empty()) folders.push_back(std::move(value));
        value.clear();
      } else {
        value.push_back(options[at]);
      }
    }
    if (is_lower && !value.empty()) folders.push_back(std::move(value));
    ++at;
  }
  return folders;
}

// Whether `path`, a lower folder of `entry`, leads into `mount`: as the name space of `entry` has it or as
// this one does, since a container may have come by its root from outside.
bool LiesIn(const std::string& path, const MountEntry& entry, const LiveMount& mount) {
  std::vector<std::string> ways = {path};
  if (entry.seen_by != 0) ways.push_back(fmt::format("/proc/{}/root{}", entry.seen_by, path));
  bool found = false;
  for (const std::string& way : ways) {
    struct stat st {};
    if (::stat(way.c_str(), &st) != 0) continue;
    if (st.st_dev == mount.device()) return true;
    found = true;
  }
  return !found && (path == mount.dir() || IsBelow(path, mount.dir()));
}

// Where a mount is, in words.
std::string PlaceOf(const MountEntry& entry) {
  if (entry.seen_by == 0) return entry.target;
  return fmt::format("{} (in the name space of process {})", entry.target, entry.seen_by);
}

void AddOverlay(const MountEntry& entry, const LiveMount& mount, std::vector<Hazard>& hazards) {
  for (const std::string& lower : LowerFolders(entry.options)) {
    if (!LiesIn(lower, entry, mount)) continue;
    hazards.push_back(
        {fmt::format("the overlay at {} has {} as a lower folder, which must not change under it; "
                     "lay it over a mount --generation N",
                     PlaceOf(entry), lower),
         true});
    return;
  }
}

// `path` below `folder`, or `folder` itself, seen from `root`: without a leading '/'.
std::string Rebase(const std::string& path, const std::string& folder, const std::string& root) {
  std::string inside = root == "/" ? "" : root.substr(1);
  if (!IsBelow(path, folder)) return inside;
  const std::string below = path.substr(folder == "/" ? 1 : folder.size() + 1);
  return inside.empty() ? below : inside + "/" + below;
}

// Where in the file system `device` the mount `entry` stands, itself or by what it is mounted on, whatever
// bind mount leads there: a path from its root, "" for the root itself. Nothing if it stands elsewhere.
std::optional<std::string> PlaceIn(dev_t device, const MountEntry& entry,
                                   const std::map<int, const MountEntry*>& by_id) {
  const MountEntry* mount = &entry;
  for (size_t depth = 0; depth < by_id.size(); ++depth) {
    const auto parent = by_id.find(mount->parent);
    if (parent == by_id.end() || parent->second == mount) return std::nullopt;
    if (parent->second->device == device)
      return Rebase(mount->target, parent->second->target, parent->second->root);
    mount = parent->second;
  }
  return std::nullopt;
}

// What becomes of a mount that stands at `inside` of a live mount.
std::optional<Hazard> LossOf(const MountEntry& entry, const std::string& inside, const core::Changes* changes,
                             bool new_base) {
  if (new_base)
    return Hazard{fmt::format("another base would detach {} from {}", entry.type, PlaceOf(entry)), true};
  if (changes == nullptr) {
    return Hazard{
        fmt::format("{} mounted at {} goes if what it is mounted on changes", entry.type, PlaceOf(entry)),
        false};
  }
  for (const core::ChangedEntry& changed : changes->entries()) {
    if (changed.before == 0 || (inside != changed.path && !IsBelow(inside, changed.path))) continue;
    return Hazard{fmt::format("{} mounted at {} goes with /{}, which changes", entry.type, PlaceOf(entry),
                              changed.path),
                  false};
  }
  return std::nullopt;
}

}  // namespace

Result<std::vector<Hazard>> FindHazards(const std::string& identity, const core::Changes* changes,
                                        bool new_base) {
  VENEER_ASSIGN(const std::vector<LiveMount> mounts, FindLiveMounts(identity));
  VENEER_ASSIGN(const std::vector<MountEntry> table, ReadAllMountTables());
  std::map<int, const MountEntry*> by_id;
  for (const MountEntry& entry : table) by_id[entry.id] = &entry;
  std::vector<Hazard> hazards;
  for (const LiveMount& mount : mounts) {
    if (mount.pinned()) continue;
    std::set<std::pair<dev_t, std::string>> told;  // a name space begins with copies of another's mounts
    for (const MountEntry& entry : table) {
      std::vector<Hazard> found;
      if (entry.type == "overlay") AddOverlay(entry, mount, found);
      if (const auto inside = PlaceIn(mount.device(), entry, by_id); inside && !inside->empty()) {
        if (auto loss = LossOf(entry, *inside, changes, new_base)) found.push_back(std::move(*loss));
      }
      if (found.empty() || !told.emplace(entry.device, entry.target).second) continue;
      std::move(found.begin(), found.end(), std::back_inserter(hazards));
    }
  }
  return hazards;
}

}  // namespace veneer::fuse
