// Mounting, unmounting, and what is mounted where.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "fs/base/error.h"
#include "fs/base/unique_fd.h"

namespace veneer::fuse {

// The type under which a mount is seen in /proc/self/mountinfo.
inline constexpr const char* kFileSystemType = "fuse.veneer";

struct MountEntry {
  std::string target;  // where, absolute
  std::string type;    // e.g. "fuse.veneer", "overlay", "tmpfs"
  std::string source;
  std::string options;  // of the file system
  dev_t device = 0;     // st_dev of what is in it
  int id = 0;
  int parent = 0;     // the id of the mount that it is mounted on
  std::string root;   // the folder (or file) of the file system that it shows, from that one's root: "/"
  pid_t seen_by = 0;  // a process in whose name space it is; 0: in that of this process
};

// The mounts of this process's name space, in the order in which they were made. kIo.
Result<std::vector<MountEntry>> ReadMountTable();

// Those of every name space that a process is in: first this one's, then each other as the lowest process in
// it sees it. What ends meanwhile is passed over. kIo.
Result<std::vector<MountEntry>> ReadAllMountTables();

// Of those, the mounts of the store in the folder `store`, an absolute path: also where their server is gone,
// for a service manager that keeps the device may start it again. Known by their source, which is looked up
// only where that cannot make us wait for a server, and otherwise compared as it is written. kIo.
Result<std::vector<MountEntry>> ReadMountsOf(const std::string& store);

// Opens /dev/fuse and mounts it read-only on `target`, an absolute path to a folder, with device nodes,
// setuid and everyone's access, the kernel checking permissions. `source` is shown in the mount table.
// `flags`: MS_NOSUID and the like, or 0.
// kNotFound: no /dev/fuse, or no `target`. kUsage: `target` is no folder. kBusy: something is mounted there
// already.
Result<UniqueFd> MountFuse(const std::string& source, const std::string& target, unsigned long flags);

// Unmounts `target`; `lazy` detaches it now and lets those who use it finish. kBusy if it is in use,
// kNotFound and kUsage if it is not a mount point.
Status Unmount(const std::string& target, bool lazy);

}  // namespace veneer::fuse
