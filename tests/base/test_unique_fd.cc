#include <fcntl.h>

#include "fs/base/unique_fd.h"
#include "tests/support/catch.h"

namespace veneer {
namespace {

bool IsOpen(int fd) {
  return ::fcntl(fd, F_GETFD) != -1;
}

int OpenNull() {
  return ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

TEST_CASE("a descriptor is closed once, by its last owner") {
  int raw = -1;
  {
    UniqueFd first(OpenNull());
    raw = first.get();
    REQUIRE(IsOpen(raw));
    UniqueFd second(std::move(first));
    CHECK_FALSE(first);  // NOLINT(bugprone-use-after-move): that it holds nothing is the point
    CHECK(second.get() == raw);
    UniqueFd third;
    third = std::move(second);
    CHECK(IsOpen(raw));
  }
  CHECK_FALSE(IsOpen(raw));
}

TEST_CASE("assigning closes what was held, also from itself") {
  UniqueFd held(OpenNull());
  const int before = held.get();
  held = UniqueFd(OpenNull());
  CHECK_FALSE(IsOpen(before));
  UniqueFd& same = held;
  held = std::move(same);
  CHECK(IsOpen(held.get()));
}

TEST_CASE("a released descriptor stays open") {
  int raw = -1;
  {
    UniqueFd held(OpenNull());
    raw = held.release();
    CHECK_FALSE(held);
  }
  CHECK(IsOpen(raw));
  ::close(raw);
}

}  // namespace
}  // namespace veneer
