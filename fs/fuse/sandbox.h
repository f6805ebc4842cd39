// Giving up all that the worker does not need.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "fs/base/error.h"

namespace veneer::fuse {

struct SandboxOptions {
  uid_t user = 65534;  // and its group
  gid_t group = 65534;
  uint64_t memory = 0;  // bytes of data that the process may have
};

// The user "veneer" if there is one, otherwise "nobody". For one thread, before any fork.
SandboxOptions UnprivilegedUser();

// From now on this process, all its threads and children run as that user without any capability, gain none
// by whatever they run, have no more memory and write no file or core, and may only make the system calls
// that serving needs: reads and writes of descriptors that they have, memory, threads, time. All others fail
// with EPERM: nothing can be opened, executed, connected, mapped to run or asked about by path. Before other
// threads begin. kIo.
Status EnterSandbox(const SandboxOptions& options);

}  // namespace veneer::fuse
