// Which processes use a file system: what /proc knows of their files, mappings and folders.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "fs/base/error.h"

namespace veneer::fuse {

struct Holder {
  pid_t pid = 0;
  std::string name;  // as in /proc/PID/comm
  std::string unit;  // of systemd, e.g. "nginx.service"; empty if it belongs to none
  std::set<uint64_t>
      inodes;  // st_ino of what it holds on the device: open, mapped, or its root, working folder or program
};

// All processes that there are, in order.
Result<std::vector<pid_t>> FindProcesses();

// The processes that hold anything on `device`, by pid. What ends while it is looked at, or may not be looked
// at, is passed over. Asks the file system nothing that could wait for its server. kIo.
Result<std::vector<Holder>> FindHolders(dev_t device);

}  // namespace veneer::fuse
