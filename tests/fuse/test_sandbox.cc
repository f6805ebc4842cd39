#include "fs/fuse/sandbox.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "fs/fuse/sanitizers.h"
#include "tests/support/catch.h"
#include "tests/support/scratch.h"

namespace veneer::fuse {
namespace {

using Act = std::function<int()>;

constexpr size_t kMebi = 1 << 20;

SandboxOptions SmallSandbox() {
  SandboxOptions options = UnprivilegedUser();
  options.memory = 256 * kMebi;
  return options;
}

// What `act` returns in a child in the sandbox: an errno, 0 to 200; -1 if the child died.
int InSandbox(const Act& act, const SandboxOptions& options = SmallSandbox()) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
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

// Maps memory of that kind, half a GiB if it can be had.
int Take(int protection, int flags) {
  return ::mmap(nullptr, 512 * kMebi, protection, flags | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? errno : 0;
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
  CHECK(InSandbox([] { return Take(PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE); }) == EPERM);
}

TEST_CASE("in the sandbox threads, memory and open descriptors work") {
  CHECK(InSandbox([] {
          std::vector<std::thread> threads;
          for (int i = 0; i < 16; ++i)
            threads.emplace_back([] { std::vector<char>(1 << 20, 'x').back() = 'y'; });
          for (std::thread& thread : threads) thread.join();
          return 0;
        }) == 0);
  CHECK(InSandbox([] {
          void* block = std::malloc(kMebi);
          for (size_t size = 2; size <= 64 && block != nullptr; size *= 2)
            block = std::realloc(block, size * kMebi);
          return block == nullptr ? errno : 0;
        }) == 0);
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  CHECK(InSandbox([&] { return Outcome(::write(ends[1], "x", 1)); }) == 0);
  char byte = 0;
  CHECK(::read(ends[0], &byte, 1) == 1);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_CASE("in the sandbox there is no way to more memory than its bound") {
  if (kSanitized) return;
  constexpr int kWritable = PROT_READ | PROT_WRITE;
  CHECK(InSandbox([] { return Take(kWritable, MAP_PRIVATE); }) == ENOMEM);
  for (const int kind :
       {MAP_SHARED, MAP_SHARED_VALIDATE, MAP_PRIVATE | MAP_GROWSDOWN, MAP_PRIVATE | MAP_STACK | MAP_GROWSDOWN,
        MAP_PRIVATE | MAP_HUGETLB, MAP_PRIVATE | MAP_LOCKED, MAP_PRIVATE | MAP_POPULATE}) {
    INFO(kind);
    CHECK(InSandbox([&] { return Take(kWritable, kind); }) == EPERM);
    CHECK(InSandbox([&] { return Take(PROT_NONE, kind); }) == EPERM);
  }
  // What is only kept free is no memory until it can be written to.
  CHECK(InSandbox([] { return Take(PROT_NONE, MAP_PRIVATE | MAP_NORESERVE); }) == 0);
  CHECK(InSandbox([] {
          void* place = ::mmap(nullptr, 512 * kMebi, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
          return Outcome(::mprotect(place, 512 * kMebi, kWritable));
        }) == ENOMEM);
  // Nor is written memory that cannot be written to any more counted.
  CHECK(InSandbox([] {
          void* place = ::mmap(nullptr, kMebi, kWritable, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
          return Outcome(::mprotect(place, kMebi, PROT_READ));
        }) == EPERM);
  // Memory that it has from before, again and again in other places.
  void* shared = ::mmap(nullptr, kMebi, kWritable, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(shared != MAP_FAILED);
  CHECK(InSandbox([&] { return ::mremap(shared, 0, kMebi, MREMAP_MAYMOVE) == MAP_FAILED ? errno : 0; }) ==
        EPERM);
  ::munmap(shared, kMebi);
}

TEST_CASE("in the sandbox there is an end of threads") {
  SandboxOptions options = SmallSandbox();
  options.threads = 8;
  CHECK(InSandbox(
            [] {
              pthread_attr_t small;
              ::pthread_attr_init(&small);
              ::pthread_attr_setstacksize(&small, 1 << 17);
              const auto wait = [](void*) -> void* {
                for (;;) ::poll(nullptr, 0, -1);
              };
              pthread_t thread{};
              for (int i = 0; i < 64; ++i) {
                if (const int error = ::pthread_create(&thread, &small, wait, nullptr)) return error;
              }
              return 0;
            },
            options) == EAGAIN);
}

// The line of `file` in /proc/PID that begins with `key`, without that.
std::string LineOf(pid_t process, const std::string& file, const std::string& key) {
  std::ifstream lines("/proc/" + std::to_string(process) + "/" + file);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(key)) return line.substr(key.size());
  }
  return "no such line";
}

TEST_CASE("a process in the sandbox has no rights left") {
  SandboxOptions options = SmallSandbox();
  options.user = 65521;
  options.group = 65522;
  int ready[2];
  int over[2];
  REQUIRE((::pipe2(ready, O_CLOEXEC) == 0 && ::pipe2(over, O_CLOEXEC) == 0));
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    OpenSanitizerReport();
    ::close(over[1]);
    char byte = EnterSandbox(options) ? 'y' : 'n';
    if (::write(ready[1], &byte, 1) != 1) ::_exit(1);
    ::_exit(::read(over[0], &byte, 1) == 0 ? 0 : 1);
  }
  char entered = 'n';
  ::close(ready[1]);
  CHECK(::read(ready[0], &entered, 1) == 1);
  CHECK(entered == 'y');
  const auto has = [&](const char* key) { return LineOf(child, "status", key); };
  CHECK(has("Uid:") == "\t65521\t65521\t65521\t65521");
  CHECK(has("Gid:") == "\t65522\t65522\t65522\t65522");
  CHECK(has("Groups:") == "\t ");
  CHECK(has("NoNewPrivs:") == "\t1");
  for (const char* set : {"CapInh:", "CapPrm:", "CapEff:", "CapAmb:"})
    CHECK(has(set) == "\t0000000000000000");
  ::close(over[1]);
  int status = 0;
  CHECK(::waitpid(child, &status, 0) == child);
  for (const int fd : {ready[0], over[0]}) ::close(fd);
}

// What becomes in the sandbox of a process's `sparing` where memory runs out: in a /proc that takes any.
std::string SparingAfter(const std::string& sparing) {
  const test::Scratch proc;
  std::filesystem::create_directory(proc / "self");
  const std::string score = proc / "self/oom_score_adj";
  std::ofstream(score) << sparing;
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    OpenSanitizerReport();
    if (::unshare(CLONE_NEWNS) != 0) ::_exit(1);
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) ::_exit(2);
    if (::mount(proc.path().c_str(), "/proc", nullptr, MS_BIND, nullptr) != 0) ::_exit(3);
    ::_exit(EnterSandbox(SmallSandbox()) ? 0 : 4);
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(status == 0);
  std::string left;
  std::ifstream(score) >> left;
  return left;
}

TEST_CASE("a process in the sandbox is not spared where memory runs out") {
  CHECK(SparingAfter("-900") == "0");
  CHECK(SparingAfter("0") == "0");
  CHECK(SparingAfter("300") == "300");
  CHECK(SparingAfter("") == "");
}

TEST_CASE("nobody else has the user of a process in the sandbox") {
  const test::Scratch scratch;
  const std::string accounts = scratch / "passwd";
  const auto user_of = [&](const std::string& lines) {
    std::ofstream(accounts) << "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n" << lines;
    const SandboxOptions options = UnprivilegedUser(accounts);
    return std::pair(options.user, options.group);
  };
  using Pair = std::pair<uid_t, gid_t>;
  CHECK(UnprivilegedUser(scratch / "none").user == 65525);
  CHECK(user_of("") == Pair{65525, 65525});
  CHECK(user_of("veneer:x:990:991::/:/bin/false\n") == Pair{990, 991});
  CHECK(user_of("a:x:65525:1::/:/bin/sh\nveneer:x:990:991::/:/bin/false\n") == Pair{990, 991});
  CHECK(user_of("a:x:65525:1::/:/bin/sh\nb:x:65524:1::/:/bin/sh\n") == Pair{65523, 65523});
  CHECK(user_of("veneer:x:0:0::/:/bin/sh\n") == Pair{65525, 65525});
  CHECK(user_of("veneers:x:990:991::/:/bin/sh\nnonsense\n") == Pair{65525, 65525});
}

}  // namespace
}  // namespace veneer::fuse
