// The process that serves a mount's requests. It is made by fork from the supervisor, gives up all rights
// before it looks at a layer, and gets everything that it works with over its socket.
//
// Requests of the supervisor, each answered: "add" (layers, their files beside it), "load" (the generations
// that the mount has shown), "serve" (the device), "prepare", "commit", "abort", "finish", "release".
// Damage that it meets goes out by a second socket, unasked.
#pragma once

#include "fs/base/unique_fd.h"
#include "fs/fuse/sandbox.h"
#include "fs/fuse/shared_state.h"

namespace veneer::fuse {

struct WorkerSetup {
  SandboxOptions sandbox;
  unsigned threads = 16;          // that serve, at least 2
  size_t cache_bytes = 16 << 20;  // of verified hash and metadata blocks
};

// The exit status of a worker that could not go on for want of memory.
inline constexpr int kEndedWithoutMemory = 2;

// Serves until the file system is unmounted or the supervisor is gone, and ends the process: with 0 where the
// file system was unmounted. Keeps no descriptor but the two sockets. Call it in a fresh
// child with one thread.
[[noreturn]] void RunWorker(UniqueFd control, UniqueFd report, SharedState& shared, const WorkerSetup& setup);

}  // namespace veneer::fuse
