// The program of this process held in memory, for a mount that it may itself lie on: what is in memory asks
// no file system. A page that is read anew while nobody serves is waited for without an end.
#pragma once

#include <string>

#include "fs/base/error.h"

namespace veneer::fuse {

// Has the libraries look now for what they would otherwise look for at its first use: the configuration of
// OpenSSL, the name service, the time zone. Once in a process, before the first LockProgram; children made by
// fork have it too. For one thread.
void LoadProgram();

// Locks every file that this process has mapped, the program and its libraries, but no shared memory and no
// heap. A child made by fork has no locks, but finds the same pages in the kernel's cache for as long as this
// process lives. kIo where memory may not be locked (RLIMIT_MEMLOCK, CAP_IPC_LOCK): what could be is.
Status LockProgram();

// The first file that this process has mapped below the folder `path`, which is absolute and without
// symlinks; "" if there is none.
std::string MappedBelow(const std::string& path);

}  // namespace veneer::fuse
