// Work shared by all cores.
#pragma once

#include <cstdint>
#include <functional>

#include "fs/base/error.h"

namespace veneer {

// The number of threads that work on this machine shares: the cores this process may use, at least 1.
unsigned WorkerCount();

// Calls `work(i)` once for each i in [0, count), from up to `threads` threads (0: WorkerCount()), each taking
// the next i when it is free; where the system gives fewer threads, with those. Returns the error of the
// lowest i that failed; after a failure no further i is started. kInterrupted, and no further i is started,
// once a stop is asked for (fs/base/cancel.h) while some i is left. What `work` throws, on whatever thread,
// is thrown from here, as soon as all threads have ended. `work` must be safe to call from several threads.
Status ParallelFor(uint64_t count, const std::function<Status(uint64_t)>& work, unsigned threads = 0);

}  // namespace veneer
