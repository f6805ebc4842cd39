#include "fs/fuse/switch_guard.h"

#include <sys/stat.h>

#include <algorithm>

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

bool LiesIn(const std::string& path, const std::string& mount) {
  struct stat a {};
  struct stat b {};
  if (::stat(path.c_str(), &a) != 0 || ::stat(mount.c_str(), &b) != 0)
    return path == mount || IsBelow(path, mount);
  return a.st_dev == b.st_dev;
}

void AddOverlay(const MountEntry& entry, const std::string& mount, std::vector<Hazard>& hazards) {
  for (const std::string& lower : LowerFolders(entry.options)) {
    if (!LiesIn(lower, mount)) continue;
    hazards.push_back(
        {fmt::format("the overlay at {} has {} as a lower folder, which must not change under it; "
                     "lay it over a mount --generation N",
                     entry.target, lower),
         true});
    return;
  }
}

void AddLostMount(const MountEntry& entry, const std::string& mount, const core::Changes* changes,
                  bool new_base, std::vector<Hazard>& hazards) {
  if (!IsBelow(entry.target, mount)) return;
  if (new_base) {
    hazards.push_back({fmt::format("another base would detach {} from {}", entry.type, entry.target), true});
    return;
  }
  if (changes == nullptr) {
    hazards.push_back(
        {fmt::format("{} mounted at {} goes if what it is mounted on changes", entry.type, entry.target),
         false});
    return;
  }
  const std::string inside = entry.target.substr(mount == "/" ? 1 : mount.size() + 1);
  for (const core::ChangedEntry& changed : changes->entries()) {
    if (changed.before == 0 || (inside != changed.path && !IsBelow(inside, changed.path))) continue;
    hazards.push_back(
        {fmt::format("{} mounted at {} goes with /{}, which changes", entry.type, entry.target, changed.path),
         false});
    return;
  }
}

}  // namespace

Result<std::vector<Hazard>> FindHazards(const std::string& identity, const core::Changes* changes,
                                        bool new_base) {
  VENEER_ASSIGN(const std::vector<LiveMount> mounts, FindLiveMounts(identity));
  VENEER_ASSIGN(const std::vector<MountEntry> table, ReadMountTable());
  std::vector<Hazard> hazards;
  for (const LiveMount& mount : mounts) {
    if (mount.pinned()) continue;
    for (const MountEntry& entry : table) {
      if (entry.type == "overlay") AddOverlay(entry, mount.dir(), hazards);
      AddLostMount(entry, mount.dir(), changes, new_base, hazards);
    }
  }
  return hazards;
}

}  // namespace veneer::fuse
