#include "fs/fuse/sandbox.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <thread>

#include "fs/fuse/sanitizers.h"
#include "tests/support/catch.h"

namespace veneer::fuse {
namespace {

// What `act` returns in a child in the sandbox: an errno, 0 to 200; -1 if the child died.
int InSandbox(const std::function<int()>& act) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    SandboxOptions options = UnprivilegedUser();
    options.memory = 256 << 20;
    OpenSanitizerReport();
    if (!EnterSandbox(options)) ::_exit(250);
    ::_exit(act());
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// errno where `result` is a failure, otherwise 0.
int Outcome(long result) {
  return result < 0 ? errno : 0;
}

TEST_CASE("in the sandbox nothing can be opened, run, connected or asked about by path") {
  CHECK(InSandbox([] { return Outcome(::open("/etc/passwd", O_RDONLY)); }) == EPERM);
  CHECK(InSandbox([] { return Outcome(::open("/dev/null", O_RDWR)); }) == EPERM);
  CHECK(InSandbox([] { return Outcome(::execl("/bin/true", "true", nullptr)); }) == EPERM);
  CHECK(InSandbox([] { return Outcome(::socket(AF_UNIX, SOCK_STREAM, 0)); }) == EPERM);
  CHECK(InSandbox([] { return Outcome(::socket(AF_INET, SOCK_STREAM, 0)); }) == EPERM);
  CHECK(InSandbox([] { return Outcome(::fork()); }) == EPERM);
  CHECK(InSandbox([] { return Outcome(::ptrace(PTRACE_ATTACH, ::getpid(), 0, 0)); }) == EPERM);
  CHECK(InSandbox([] { return Outcome(::kill(1, 0)); }) == EPERM);
  // Another process of the same user: another mount's worker, say.
  const pid_t other = ::getpid();
  CHECK(InSandbox([&] { return Outcome(::syscall(SYS_tgkill, other, other, 0)); }) == EPERM);
  CHECK(InSandbox([] { return Outcome(::syscall(SYS_tgkill, ::getpid(), ::gettid(), 0)); }) == 0);
  CHECK(InSandbox([] { return Outcome(::setuid(0)); }) == EPERM);
  CHECK(InSandbox([] {
          struct stat st {};
          return Outcome(::stat("/", &st));
        }) == EPERM);
  CHECK(InSandbox([] {
          void* place =
              ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
          return place == MAP_FAILED ? errno : 0;
        }) == EPERM);
}

TEST_CASE("in the sandbox threads, memory and open descriptors work, and memory has its bound") {
  CHECK(InSandbox([] {
          int sum = 0;
          std::vector<std::thread> threads;
          for (int i = 0; i < 16; ++i)
            threads.emplace_back([] { std::vector<char>(1 << 20, 'x').back() = 'y'; });
          for (std::thread& thread : threads) thread.join();
          return sum;
        }) == 0);
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  CHECK(InSandbox([&] { return Outcome(::write(ends[1], "x", 1)); }) == 0);
  char byte = 0;
  CHECK(::read(ends[0], &byte, 1) == 1);
  CHECK(InSandbox([] {
          void* place =
              ::mmap(nullptr, 512 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
          return place == MAP_FAILED ? errno : 0;
        }) == (kSanitized ? 0 : ENOMEM));
  ::close(ends[0]);
  ::close(ends[1]);
}

}  // namespace
}  // namespace veneer::fuse
