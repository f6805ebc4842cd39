#include "fs/fuse/holders.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace veneer::fuse {
namespace {

namespace fs = std::filesystem;

// The links of /proc lead to the held object itself, whatever path it had. What the kernel knows of it is
// enough: the server of its file system, ours or another, may be gone or hang.
void AddLink(const fs::path& link, dev_t device, Holder& holder) {
  struct statx st {};
  if (::statx(AT_FDCWD, link.c_str(), AT_STATX_DONT_SYNC, STATX_INO, &st) != 0) return;
  if (makedev(st.stx_dev_major, st.stx_dev_minor) == device) holder.inodes.insert(st.stx_ino);
}

// A line of /proc/PID/maps: "FROM-TO PERMS OFFSET MAJOR:MINOR INODE  PATH".
void AddMapping(const std::string& line, dev_t device, Holder& holder) {
  unsigned device_major = 0;
  unsigned device_minor = 0;
  unsigned long long inode = 0;
  if (std::sscanf(line.c_str(), "%*s %*s %*s %x:%x %llu", &device_major, &device_minor, &inode) != 3) return;
  if (makedev(device_major, device_minor) == device && inode != 0) holder.inodes.insert(inode);
}

// The innermost unit in the process's cgroup path, "0::/system.slice/nginx.service/worker".
std::string UnitOf(const fs::path& process) {
  std::ifstream groups(process / "cgroup");
  std::string unit;
  for (std::string line; std::getline(groups, line);) {
    if (!line.starts_with("0::") && line.find(":name=systemd:") == std::string::npos) continue;
    for (const fs::path& part :
         fs::path(line.substr(line.find('/') == std::string::npos ? line.size() : line.find('/')))) {
      const fs::path kind = part.extension();
      if (kind == ".service" || kind == ".scope" || kind == ".socket") unit = part;
    }
  }
  return unit;
}

Holder Examine(const fs::path& process, pid_t pid, dev_t device) {
  Holder holder{pid, "", "", {}};
  for (const char* name : {"cwd", "root", "exe"}) AddLink(process / name, device, holder);
  std::error_code error;
  for (fs::directory_iterator it(process / "fd", error), end; !error && it != end; it.increment(error)) {
    AddLink(it->path(), device, holder);
  }
  std::ifstream maps(process / "maps");
  for (std::string line; std::getline(maps, line);) AddMapping(line, device, holder);
  std::ifstream comm(process / "comm");
  std::getline(comm, holder.name);
  holder.unit = UnitOf(process);
  return holder;
}

}  // namespace

Result<std::vector<pid_t>> FindProcesses() {
  std::vector<pid_t> processes;
  std::error_code error;
  for (fs::directory_iterator it("/proc", error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename();
    pid_t pid = 0;
    const auto [rest, bad] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (bad == std::errc() && *rest == '\0') processes.push_back(pid);
  }
  if (error) return FailErrno(error.value(), "/proc");
  std::sort(processes.begin(), processes.end());
  return processes;
}

Result<std::vector<Holder>> FindHolders(dev_t device) {
  VENEER_ASSIGN(const std::vector<pid_t> processes, FindProcesses());
  std::vector<Holder> holders;
  for (const pid_t pid : processes) {
    Holder holder = Examine(fmt::format("/proc/{}", pid), pid, device);
    if (!holder.inodes.empty()) holders.push_back(std::move(holder));
  }
  return holders;
}

}  // namespace veneer::fuse
