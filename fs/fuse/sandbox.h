// Giving up all that the worker does not need.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "fs/base/error.h"

namespace veneer::fuse {

struct SandboxOptions {
  uid_t user = 65525;  // and its group
  gid_t group = 65525;
  uint64_t memory = 0;      // bytes of data that the process may have; 0: any
  unsigned threads = 4096;  // that all processes of this user may have together, whatever mount they serve
};

// The user "veneer" of the file `accounts`, which is as passwd(5) says. Where there is none, a number that no
// account there has, out of those that neither Debian's policy nor systemd gives to anybody, and that a user
// namespace of the usual size knows: what has the number of somebody else can be stopped and killed by him.
// No name service is asked, since its modules may lie on the very mount that is to be served. For one
// thread.
SandboxOptions UnprivilegedUser(const std::string& accounts = "/etc/passwd");
// That of this machine, looked up once in a process and its children: later nobody may serve the file.
const SandboxOptions& WorkerUser();

// From now on this process, all its threads and children run as that user without any capability, gain none
// by whatever they run, are no less likely than others to be killed where memory runs out, have no more
// memory and threads, write no file or core, and may only make the system calls that serving needs: reads and
// writes of descriptors that they have, private memory, threads, time. All others fail with EPERM: nothing
// can be opened, executed, connected, mapped to run or asked about by path. Before other threads begin. kIo.
Status EnterSandbox(const SandboxOptions& options);

}  // namespace veneer::fuse
