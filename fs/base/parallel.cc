#include "fs/base/parallel.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <new>
#include <optional>
#include <system_error>
#include <thread>
#include <vector>

#include "fs/base/cancel.h"

namespace veneer {

unsigned WorkerCount() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return std::max(1U, std::thread::hardware_concurrency());
  return static_cast<unsigned>(std::max(1, CPU_COUNT(&set)));
}

namespace {

// Has `pool` run `work` too, with as many threads as there are to be had up to `wanted`: where the system
// gives no more, or no memory for one, those that there are do all the work.
void StartThreads(std::vector<std::thread>& pool, uint64_t wanted, const std::function<void()>& work) {
  try {
    pool.reserve(wanted);
    while (pool.size() < wanted) pool.emplace_back(work);
  } catch (const std::system_error&) {
  } catch (const std::bad_alloc&) {
  }
}

}  // namespace

Status ParallelFor(uint64_t count, const std::function<Status(uint64_t)>& work, unsigned threads) {
  std::atomic<uint64_t> next{0};
  std::atomic<bool> stop{false};
  std::mutex mutex;
  std::optional<std::pair<uint64_t, Error>> first;  // guarded by mutex
  std::exception_ptr thrown;                        // guarded by mutex

  const auto work_on = [&](uint64_t i) {
    Status status = CheckCancel();
    if (status) status = work(i);
    if (status) return;
    stop.store(true, std::memory_order_relaxed);
    const std::lock_guard lock(mutex);
    if (!first || i < first->first) first.emplace(i, std::move(status).error());
  };
  // Nothing may be thrown out of a thread.
  const auto run = [&] {
    try {
      while (!stop.load(std::memory_order_relaxed)) {
        const uint64_t i = next.fetch_add(1, std::memory_order_relaxed);
        if (i >= count) return;
        work_on(i);
      }
    } catch (...) {
      stop.store(true, std::memory_order_relaxed);
      const std::lock_guard lock(mutex);
      thrown = std::current_exception();
    }
  };

  const uint64_t wanted = std::min<uint64_t>(threads != 0 ? threads : WorkerCount(), count);
  std::vector<std::thread> pool;
  if (wanted > 1) StartThreads(pool, wanted - 1, run);
  run();
  for (std::thread& thread : pool) thread.join();
  if (thrown) std::rethrow_exception(thrown);
  if (first) return tl::unexpected<Error>(std::move(first->second));
  return {};
}

}  // namespace veneer
