#include "tests/support/skipped_time.h"

#include <dlfcn.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace veneer::test {
namespace {

using Nanoseconds = std::atomic<int64_t>;
static_assert(Nanoseconds::is_always_lock_free);  // in memory that several processes have

constexpr int64_t kSecond = 1'000'000'000;

Nanoseconds* MapSkipped() {
  void* memory =
      ::mmap(nullptr, sizeof(Nanoseconds), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) std::abort();
  return new (memory) Nanoseconds(0);
}

// Before the first fork; whoever asks for the time sooner has nothing skipped.
const pid_t kTest = ::getpid();
Nanoseconds* const kSkipped = MapSkipped();

using ClockGetTime = int (*)(clockid_t, timespec*);

int64_t SkippedOn(clockid_t clock) {
  if (clock != CLOCK_MONOTONIC || kSkipped == nullptr || ::getpid() == kTest) return 0;
  return *kSkipped;
}

}  // namespace

void SkipTime(std::chrono::nanoseconds time) {
  *kSkipped += time.count();
}

}  // namespace veneer::test

// In the place of the C library's, for all of this program.
extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept {
  static const auto real =
      reinterpret_cast<veneer::test::ClockGetTime>(::dlsym(RTLD_NEXT, "clock_gettime"));  // NOLINT
  const int result = real(clock, time);
  if (result != 0) return result;
  const int64_t nanoseconds = time->tv_nsec + veneer::test::SkippedOn(clock);
  time->tv_sec += nanoseconds / veneer::test::kSecond;
  time->tv_nsec = nanoseconds % veneer::test::kSecond;
  return 0;
}
