#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <latch>
#include <new>
#include <thread>
#include <vector>

#include "fs/base/parallel.h"
#include "tests/support/catch.h"

namespace veneer {
namespace {

TEST_CASE("each index is worked on once") {
  const uint64_t count = GENERATE(uint64_t{0}, uint64_t{1}, uint64_t{2}, uint64_t{7}, uint64_t{1000});
  const unsigned threads = GENERATE(0U, 1U, 3U, 64U);
  std::vector<std::atomic<int>> calls(count);
  REQUIRE_OK(ParallelFor(
      count,
      [&](uint64_t i) -> Status {
        calls[i].fetch_add(1);
        return {};
      },
      threads));
  for (const auto& n : calls) CHECK(n == 1);
}

TEST_CASE("the work is shared: as many run at once as there are threads") {
  // Each call waits for the others, so this ends only if they run beside each other.
  std::latch all(4);
  REQUIRE_OK(ParallelFor(
      4,
      [&](uint64_t) -> Status {
        all.arrive_and_wait();
        return {};
      },
      4));
}

TEST_CASE("the error of the lowest index counts") {
  // Both fail, the higher index first.
  std::latch higher_failed(1);
  const Status status = ParallelFor(
      2,
      [&](uint64_t i) -> Status {
        if (i == 0) higher_failed.wait();
        if (i == 1) higher_failed.count_down();
        return Fail(ErrorCode::kFailed, "{}", i);
      },
      2);
  REQUIRE_FAILS(ErrorCode::kFailed, status);
  CHECK(status.error().message() == "0");
}

TEST_CASE("after a failure nothing new is started") {
  uint64_t calls = 0;
  const Status status = ParallelFor(
      1000,
      [&](uint64_t i) -> Status {
        ++calls;
        if (i == 5) return Fail(ErrorCode::kBusy, "five");
        return {};
      },
      1);
  REQUIRE_FAILS(ErrorCode::kBusy, status);
  CHECK(calls == 6);
}

TEST_CASE("what is thrown on any thread is thrown from the call") {
  const auto caller = std::this_thread::get_id();
  std::latch all(4);
  std::atomic<int> ended{0};
  const auto work = [&](uint64_t) -> Status {
    all.arrive_and_wait();  // one on each thread
    ++ended;
    if (std::this_thread::get_id() != caller) throw std::bad_alloc();
    return {};
  };
  CHECK_THROWS_AS(ParallelFor(4, work, 4), std::bad_alloc);
  CHECK(ended == 4);
}

TEST_CASE("without a thread to be had the caller does the work alone") {
  pthread_attr_t before;
  REQUIRE(pthread_getattr_default_np(&before) == 0);
  pthread_attr_t huge = before;
  REQUIRE(pthread_attr_setstacksize(&huge, size_t{1} << 48) == 0);  // more than there are addresses
  REQUIRE(pthread_setattr_default_np(&huge) == 0);
  uint64_t calls = 0;
  const Status status = ParallelFor(
      10,
      [&](uint64_t) -> Status {
        ++calls;
        return {};
      },
      4);
  REQUIRE(pthread_setattr_default_np(&before) == 0);
  REQUIRE_OK(status);
  CHECK(calls == 10);
}

TEST_CASE("the worker count is that of the cores we may use") {
  cpu_set_t before;
  REQUIRE(sched_getaffinity(0, sizeof before, &before) == 0);
  CHECK(WorkerCount() == static_cast<unsigned>(CPU_COUNT(&before)));
  cpu_set_t one;
  CPU_ZERO(&one);
  size_t first = 0;
  while (!CPU_ISSET(first, &before)) ++first;
  CPU_SET(first, &one);
  REQUIRE(sched_setaffinity(0, sizeof one, &one) == 0);
  CHECK(WorkerCount() == 1);
  REQUIRE(sched_setaffinity(0, sizeof before, &before) == 0);
}

}  // namespace
}  // namespace veneer
