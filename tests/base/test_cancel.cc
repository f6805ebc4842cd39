#include <atomic>
#include <csignal>

#include "fs/base/cancel.h"
#include "fs/base/parallel.h"
#include "tests/support/catch.h"
#include "tests/support/scoped_cancel.h"

namespace veneer {
namespace {

TEST_CASE("a stop is asked for, and taken back") {
  REQUIRE_OK(CheckCancel());
  {
    const test::ScopedCancel cancel;
    CHECK(CancelRequested());
    REQUIRE_FAILS(ErrorCode::kInterrupted, CheckCancel());
  }
  CHECK_FALSE(CancelRequested());
  REQUIRE_OK(CheckCancel());
}

TEST_CASE("a signal handler may ask for it") {
  const auto before = std::signal(SIGUSR1, [](int) { SetCancelRequested(true); });
  REQUIRE(std::raise(SIGUSR1) == 0);
  std::signal(SIGUSR1, before);
  CHECK(CancelRequested());
  SetCancelRequested(false);
}

TEST_CASE("shared work starts nothing new once a stop is asked for") {
  const unsigned threads = GENERATE(1U, 4U);
  std::atomic<uint64_t> calls{0};
  const Status status = ParallelFor(
      100000,
      [&](uint64_t) -> Status {
        if (calls.fetch_add(1) == 5) SetCancelRequested(true);
        return {};
      },
      threads);
  SetCancelRequested(false);
  REQUIRE_FAILS(ErrorCode::kInterrupted, status);
  CHECK(calls >= 6);
  CHECK(calls < 100000);
}

TEST_CASE("shared work that is all done is done, whatever is asked for at its end") {
  const Status status = ParallelFor(
      8,
      [&](uint64_t i) -> Status {
        if (i == 7) SetCancelRequested(true);
        return {};
      },
      1);
  SetCancelRequested(false);
  REQUIRE_OK(status);
}

}  // namespace
}  // namespace veneer
