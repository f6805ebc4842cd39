#include "fs/fuse/worker_process.h"

#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/catch.h"
#include "tests/support/few_descriptors.h"
#include "tests/support/until.h"

namespace veneer::fuse {
namespace {

TEST_CASE("a process of which nothing can be learned for want of descriptors is not taken for a killed one") {
  const rlim_t more =
      GENERATE(rlim_t{0}, rlim_t{1}, rlim_t{2});  // for the folder of its threads, and for a thread's file
  bool stuck = true;
  {
    const test::FewDescriptors few(more);
    stuck = IsStuck(::getpid());
  }
  INFO(more << " descriptors");
  CHECK_FALSE(stuck);
}

TEST_CASE("a process that has ended and is not waited for does nothing any more") {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) ::_exit(0);
  test::Until("its end", [&] { return IsStuck(child); });
  REQUIRE(::waitpid(child, nullptr, 0) == child);
  CHECK_FALSE(IsStuck(child));  // there is none
}

}  // namespace
}  // namespace veneer::fuse
