#include <ctime>

#include "fs/io/clock.h"
#include "tests/support/catch.h"

namespace veneer::io {
namespace {

TEST_CASE("the system's clock is that of time(2)") {
  const auto before = static_cast<int64_t>(std::time(nullptr));
  const int64_t now = SystemClock().Now();
  CHECK(now >= before);
  CHECK(now <= static_cast<int64_t>(std::time(nullptr)));
}

TEST_CASE("a fake clock stands until it is set") {
  FakeClock clock(100);
  CHECK(clock.Now() == 100);
  clock.Set(-5);
  CHECK(clock.Now() == -5);
}

}  // namespace
}  // namespace veneer::io
