#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "fs/fuse/holders.h"
#include "fs/fuse/mount_table.h"
#include "tools/mount_command.h"
#include "tools/output.h"
#include "tools/text.h"
#include "tools/verbs.h"

namespace veneer::tools {
namespace {

constexpr size_t kMostNamed = 5;

struct Options {
  std::string dir;
  bool lazy = false;
};

// The mount on top at `dir`. Found in the table, without asking the file system: its server may be gone.
Result<fuse::MountEntry> FindMount(const std::string& dir) {
  VENEER_ASSIGN(const auto table, fuse::ReadMountTable());
  const auto found =
      std::find_if(table.rbegin(), table.rend(), [&](const auto& entry) { return entry.target == dir; });
  if (found == table.rend()) return Fail(ErrorCode::kUsage, "{}: nothing is mounted there", dir);
  if (found->type != fuse::kFileSystemType) {
    return Fail(ErrorCode::kUsage, "{}: a {} is mounted there, not a veneer; run: umount {}", dir,
                found->type, dir);
  }
  return *found;
}

// Who keeps the mount busy, in words: processes, or mounts below.
std::string Users(const fuse::MountEntry& mount) {
  std::vector<std::string> users;
  if (const auto table = fuse::ReadMountTable()) {
    for (const auto& entry : *table) {
      if (entry.target.starts_with(mount.target + "/"))
        users.push_back(fmt::format("the {} at {}", entry.type, entry.target));
    }
  }
  if (const auto holders = fuse::FindHolders(mount.device)) {
    for (const auto& holder : *holders) users.push_back(fmt::format("{} ({})", holder.name, holder.pid));
  }
  const size_t more = users.size() > kMostNamed ? users.size() - kMostNamed : 0;
  users.resize(users.size() - more);
  if (users.empty()) return "something";
  return fmt::format("{}{}", fmt::join(users, ", "), more == 0 ? "" : fmt::format(" and {} more", more));
}

Status Umount(const Options& options, const Globals&, Output& output) {
  std::string dir = options.dir;
  if (auto resolved = MountPoint(options.dir)) dir = *resolved;
  VENEER_ASSIGN(const fuse::MountEntry mount, FindMount(dir));
  output.json() = {{"dir", ToUtf8(dir)}};
  const Status status = fuse::Unmount(dir, options.lazy);
  if (!status && status.error().code() == ErrorCode::kBusy) {
    return Fail(ErrorCode::kBusy, "{}: is in use by {}; run: veneer umount --lazy {}", dir, Users(mount),
                dir);
  }
  if (status) output.Note("{}: unmounted", dir);
  return status;
}

}  // namespace

Action AddUmount(CLI::App& verb) {
  verb.description("Unmount");
  auto options = std::make_shared<Options>();
  verb.add_option("DIR", options->dir, "Mount point")->required();
  verb.add_flag("-l,--lazy", options->lazy, "Detach it now; those who use it may finish");
  return [options](const Globals& globals, Output& output) { return Umount(*options, globals, output); };
}

}  // namespace veneer::tools
