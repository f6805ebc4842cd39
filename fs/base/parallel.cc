#include "fs/base/parallel.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <mutex>
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

Status ParallelFor(uint64_t count, const std::function<Status(uint64_t)>& work, unsigned threads) {
  std::atomic<uint64_t> next{0};
  std::atomic<bool> stop{false};
  std::mutex mutex;
  std::optional<std::pair<uint64_t, Error>> first;

  const auto run = [&] {
    while (!stop.load(std::memory_order_relaxed)) {
      const uint64_t i = next.fetch_add(1, std::memory_order_relaxed);
      if (i >= count) return;
      Status status = CheckCancel();
      if (status) status = work(i);
      if (status) continue;
      stop.store(true, std::memory_order_relaxed);
      const std::lock_guard lock(mutex);
      if (!first || i < first->first) first.emplace(i, std::move(status).error());
    }
  };

  const uint64_t wanted = std::min<uint64_t>(threads != 0 ? threads : WorkerCount(), count);
  std::vector<std::thread> pool;
  try {
    for (uint64_t i = 1; i < wanted; ++i) pool.emplace_back(run);
  } catch (const std::system_error&) {
    // The limit on threads is reached: those that there are do all the work.
  }
  run();
  for (std::thread& thread : pool) thread.join();
  if (first) return tl::unexpected<Error>(std::move(first->second));
  return {};
}

}  // namespace veneer
