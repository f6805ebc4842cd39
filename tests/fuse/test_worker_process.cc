#include "fs/fuse/worker_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <future>
#include <optional>
#include <string>
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
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::pause();
    ::_exit(0);
  }
  const auto id = IdOf(child);
  REQUIRE_OK(id);
  CHECK(id->started != 0);
  EndStranger({child, id->started + 1});
  CHECK(::waitpid(child, nullptr, WNOHANG) == 0);
  {
    // Who could not look goes on looking: whoever lends him a descriptor waits until he sleeps over it.
    const UniqueFd self(::open("/proc/thread-self/stat", O_RDONLY | O_CLOEXEC));
    REQUIRE(self);
    std::optional<test::FewDescriptors> few(std::in_place, 0);
    const std::jthread lender([&] {
      std::array<char, 256> stat{};
      test::Await([&] {
        return ::pread(self.get(), stat.data(), stat.size() - 1, 0) > 0 &&
               std::string(stat.data()).find(") S ") != std::string::npos;
      });
      few.reset();
    });
    EndStranger(*id);
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
