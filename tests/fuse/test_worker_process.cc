#include "fs/fuse/worker_process.h"

#include <sys/wait.h>
#include <unistd.h>

#include <future>
#include <thread>

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

TEST_CASE("a process is ended by what names it for good, and no other that has its number") {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::pause();
    ::_exit(0);
  }
  const auto id = IdOf(child);
  REQUIRE_OK(id);
  CHECK(id->started != 0);
  EndStranger({child, id->started + 1});
  CHECK(::waitpid(child, nullptr, WNOHANG) == 0);
  std::jthread other;
  {
    // Who could not look goes on looking.
    const test::FewDescriptors few(0);
    other = std::jthread([&] { EndStranger(*id); });
    std::this_thread::yield();
    CHECK(::waitpid(child, nullptr, WNOHANG) == 0);
  }
  int status = 0;
  test::Until("its end", [&] { return ::waitpid(child, &status, WNOHANG) == child; });
  CHECK(WIFSIGNALED(status));
  EndStranger(*id);  // there is none
}

TEST_CASE("a number that a thread has now is no process to be waited for") {
  const auto id = IdOf(::getpid());
  REQUIRE_OK(id);
  std::promise<pid_t> number;
  std::promise<void> end;
  const std::jthread thread([&] {
    number.set_value(::gettid());
    end.get_future().wait();
  });
  EndStranger({number.get_future().get(), id->started + 1});
  end.set_value();
}

}  // namespace
}  // namespace veneer::fuse
