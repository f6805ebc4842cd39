#include "fs/fuse/mount_table.h"

#include <fcntl.h>
#include <libmount/libmount.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <memory>
#include <set>

#include "fs/fuse/holders.h"

namespace veneer::fuse {
namespace {

struct TableDeleter {
  void operator()(libmnt_table* table) const { mnt_unref_table(table); }
};
struct IteratorDeleter {
  void operator()(libmnt_iter* iterator) const { mnt_free_iter(iterator); }
};

std::string Text(const char* text) {
  return text == nullptr ? "" : text;
}

bool AddTable(const std::string& path, pid_t seen_by, std::vector<MountEntry>& entries) {
  const std::unique_ptr<libmnt_table, TableDeleter> table(mnt_new_table_from_file(path.c_str()));
  const std::unique_ptr<libmnt_iter, IteratorDeleter> iterator(mnt_new_iter(MNT_ITER_FORWARD));
  if (!table || !iterator) return false;
  libmnt_fs* fs = nullptr;
  while (mnt_table_next_fs(table.get(), iterator.get(), &fs) == 0) {
    entries.push_back({Text(mnt_fs_get_target(fs)), Text(mnt_fs_get_fstype(fs)), Text(mnt_fs_get_srcpath(fs)),
                       Text(mnt_fs_get_fs_options(fs)), mnt_fs_get_devno(fs), mnt_fs_get_id(fs),
                       mnt_fs_get_parent_id(fs), Text(mnt_fs_get_root(fs)), seen_by});
  }
  return true;
}

// The mount name space of a process, by its folder in /proc; 0 if it has ended or may not be asked.
ino_t NameSpaceOf(const std::string& process) {
  struct stat st {};
  return ::stat((process + "/ns/mnt").c_str(), &st) == 0 ? st.st_ino : 0;
}

// The table first: what is mounted there may have no server any more.
Status CheckTarget(const std::string& target) {
  VENEER_ASSIGN(const auto mounts, ReadMountTable());
  const auto same = [&](const MountEntry& entry) { return entry.target == target; };
  if (const auto found = std::find_if(mounts.begin(), mounts.end(), same); found != mounts.end()) {
    return Fail(ErrorCode::kBusy, "{}: a {} is mounted there already; run: {}umount {}", target, found->type,
                found->type == kFileSystemType ? "veneer " : "", target);
  }
  struct stat st {};
  if (::stat(target.c_str(), &st) != 0) return FailErrno(errno, target);
  if (!S_ISDIR(st.st_mode)) return Fail(ErrorCode::kUsage, "{}: not a folder", target);
  return {};
}

// Whether `path`, as the name space of `entry` has it, lies on a file system that the kernel has by itself.
bool LiesInKernel(const std::string& path, const MountEntry& entry, const std::vector<MountEntry>& all) {
  const MountEntry* under = nullptr;
  for (const MountEntry& mount : all) {
    const std::string folder = mount.target == "/" ? "" : mount.target;
    const bool covers = mount.seen_by == entry.seen_by && path.starts_with(folder) &&
                        (path.size() == folder.size() || path[folder.size()] == '/');
    if (covers && (under == nullptr || mount.target.size() >= under->target.size())) under = &mount;
  }
  return under != nullptr && !under->type.starts_with("fuse");
}

bool IsMountOf(const std::string& store, const struct stat& folder, const MountEntry& entry,
               const std::vector<MountEntry>& all) {
  if (entry.type != kFileSystemType) return false;
  if (!LiesInKernel(entry.source, entry, all)) return entry.source == store;
  const std::string root = entry.seen_by == 0 ? "" : fmt::format("/proc/{}/root", entry.seen_by);
  struct stat st {};
  if (::stat((root + entry.source).c_str(), &st) != 0) return entry.source == store;
  return st.st_dev == folder.st_dev && st.st_ino == folder.st_ino;
}

}  // namespace

Result<std::vector<MountEntry>> ReadMountTable() {
  std::vector<MountEntry> entries;
  if (!AddTable("/proc/self/mountinfo", 0, entries))
    return Fail(ErrorCode::kIo, "/proc/self/mountinfo: cannot be read");
  return entries;
}

Result<std::vector<MountEntry>> ReadAllMountTables() {
  VENEER_ASSIGN(std::vector<MountEntry> entries, ReadMountTable());
  std::set<ino_t> read = {NameSpaceOf("/proc/self"), 0};
  VENEER_ASSIGN(const std::vector<pid_t> processes, FindProcesses());
  for (const pid_t pid : processes) {
    const std::string process = fmt::format("/proc/{}", pid);
    const ino_t name_space = NameSpaceOf(process);
    if (read.contains(name_space) || !AddTable(process + "/mountinfo", pid, entries)) continue;
    read.insert(name_space);
  }
  return entries;
}

Result<std::vector<MountEntry>> ReadMountsOf(const std::string& store) {
  VENEER_ASSIGN(const std::vector<MountEntry> all, ReadAllMountTables());
  struct stat folder {};
  if (::stat(store.c_str(), &folder) != 0) return FailErrno(errno, store);
  std::vector<MountEntry> found;
  std::copy_if(all.begin(), all.end(), std::back_inserter(found),
               [&](const MountEntry& entry) { return IsMountOf(store, folder, entry, all); });
  return found;
}

Result<UniqueFd> MountFuse(const std::string& source, const std::string& target, unsigned long flags) {
  VENEER_TRY(CheckTarget(target));
  UniqueFd device(::open("/dev/fuse", O_RDWR | O_CLOEXEC));
  if (!device) {
    auto failed = FailErrno(errno, "/dev/fuse");
    return tl::unexpected<Error>(
        Error(failed.value().code(), failed.value().message() + "; run: modprobe fuse"));
  }
  const std::string options =
      fmt::format("fd={},rootmode=40000,user_id=0,group_id=0,default_permissions,allow_other", device.get());
  if (::mount(source.c_str(), target.c_str(), kFileSystemType, MS_RDONLY | flags, options.c_str()) != 0) {
    return FailErrno(errno, fmt::format("{}: mounting", target));
  }
  return device;
}

Status Unmount(const std::string& target, bool lazy) {
  if (::umount2(target.c_str(), lazy ? MNT_DETACH : 0) == 0) return {};
  if (errno == EINVAL) return Fail(ErrorCode::kUsage, "{}: not a mount point", target);
  return FailErrno(errno, target);
}

}  // namespace veneer::fuse
