// A worker that does what it likes, as one would that was taken over by way of a layer's image.
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>
#include <string_view>

#include "fs/fuse/sanitizers.h"
#include "tests/mount/damage.h"
#include "tests/mount/switch_rig.h"
#include "tests/support/process.h"
#include "tests/support/until.h"

namespace veneer::test {
namespace {

size_t DescriptorsOf(pid_t process) {
  using Iterator = std::filesystem::directory_iterator;
  return static_cast<size_t>(std::distance(Iterator("/proc/" + std::to_string(process) + "/fd"), Iterator()));
}

void RequireServed(const SwitchRig& rig) {
  ForgetCaches();
  CHECK(RunCommand({"diff", "-r", "--no-dereference", rig.root() + "/t0", rig.mount(0)}).status == 0);
}

nlohmann::json PrepareTree(const SwitchRig& rig, int tree) {
  return {{"request", "prepare"}, {"generation", 100}, {"layers", rig.StackOf(tree)}};
}

// What /proc has as the hard limit of that name.
std::string LimitOf(pid_t process, const std::string& name) {
  std::ifstream limits("/proc/" + std::to_string(process) + "/limits");
  for (std::string line; std::getline(limits, line);) {
    if (!line.starts_with(name)) continue;
    std::istringstream values(line.substr(name.size()));
    std::string soft;
    std::string hard;
    values >> soft >> hard;
    return hard;
  }
  return "no such limit";
}

// What kill(2) gives as this user: an errno, or 0.
int SignalAs(uid_t user, pid_t process, int signal) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    if (::setresuid(user, user, user) != 0) ::_exit(200);
    ::_exit(::kill(process, signal) == 0 ? 0 : errno);
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  return WEXITSTATUS(status);
}

TEST_CASE("no account's processes can stop a worker, nobody's least of all") {
  const SwitchRig rig(1);
  const pid_t worker = rig.WorkerOf(0);
  size_t asked = 0;
  while (const passwd* account = ::getpwent()) {
    if (account->pw_uid == 0 || std::string_view(account->pw_name) == "veneer") continue;
    INFO(account->pw_name);
    CHECK(SignalAs(account->pw_uid, worker, SIGCONT) == EPERM);
    ++asked;
  }
  ::endpwent();
  CHECK(asked > 0);
  CHECK(SignalAs(65534, worker, SIGCONT) == EPERM);
}

#ifdef __x86_64__

// Has the first thread of `process` make a system call in place of the one that it waits in, to which it then
// returns. What the call gave; nothing if the process ended of it.
std::optional<long> MakeCall(pid_t process, long number, std::array<unsigned long, 5> arguments = {}) {
  int status = 0;
  REQUIRE(::ptrace(PTRACE_ATTACH, process, nullptr, nullptr) == 0);
  REQUIRE(::waitpid(process, &status, 0) == process);
  REQUIRE(WIFSTOPPED(status));
  user_regs_struct waiting{};
  REQUIRE(::ptrace(PTRACE_GETREGS, process, nullptr, &waiting) == 0);
  user_regs_struct calling = waiting;
  calling.rip -= 2;  // the instruction "syscall"
  REQUIRE((::ptrace(PTRACE_PEEKTEXT, process, calling.rip, nullptr) & 0xffff) == 0x050f);
  calling.orig_rax = ~0ULL;  // it is in no call any more
  calling.rax = static_cast<unsigned long long>(number);
  calling.rdi = arguments[0];
  calling.rsi = arguments[1];
  calling.rdx = arguments[2];
  calling.r10 = arguments[3];
  calling.r8 = arguments[4];
  calling.r9 = 0;
  REQUIRE(::ptrace(PTRACE_SETREGS, process, nullptr, &calling) == 0);
  REQUIRE(::ptrace(PTRACE_SINGLESTEP, process, nullptr, nullptr) == 0);
  REQUIRE(::waitpid(process, &status, 0) == process);
  if (!WIFSTOPPED(status)) return std::nullopt;
  user_regs_struct called{};
  REQUIRE(::ptrace(PTRACE_GETREGS, process, nullptr, &called) == 0);
  REQUIRE(::ptrace(PTRACE_SETREGS, process, nullptr, &waiting) == 0);
  REQUIRE(::ptrace(PTRACE_DETACH, process, nullptr, nullptr) == 0);
  return static_cast<long>(called.rax);
}

TEST_CASE("a worker that tries to reach anything else is refused, and serves on") {
  const SwitchRig rig(1);
  const pid_t worker = rig.WorkerOf(0);
  for (const long call : {SYS_open, SYS_openat, SYS_execve, SYS_execveat, SYS_socket, SYS_connect, SYS_fork,
                          SYS_ptrace, SYS_mount, SYS_unlink, SYS_process_vm_writev, SYS_bpf}) {
    INFO(call);
    CHECK(MakeCall(worker, call) == -EPERM);
  }
  CHECK(MakeCall(worker, SYS_getpid) == worker);  // it can be told from what is allowed
  RequireServed(rig);
  CHECK(rig.WorkerOf(0) == worker);
}

TEST_CASE("a worker that takes all the memory it can is refused, and serves on") {
  const SwitchRig rig(1);
  const pid_t worker = rig.WorkerOf(0);
  const auto map = [&](size_t bytes, unsigned long flags) {
    return MakeCall(worker, SYS_mmap, {0, bytes, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, ~0UL});
  };
  constexpr size_t kMuch = size_t{3} << 30;
  if (!fuse::kSanitized) {
    CHECK(map(kMuch, MAP_PRIVATE) == -ENOMEM);
    for (const int flags : {MAP_SHARED, MAP_PRIVATE | MAP_GROWSDOWN, MAP_PRIVATE | MAP_HUGETLB}) {
      INFO(flags);
      CHECK(map(kMuch, static_cast<unsigned long>(flags)) == -EPERM);
    }
  }
  CHECK(MakeCall(worker, SYS_clone, {CLONE_VM | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD}) == -EPERM);
  CHECK(LimitOf(worker, "Max processes") == "4096");
  RequireServed(rig);
  CHECK(rig.WorkerOf(0) == worker);
}

TEST_CASE("a worker that tells nothing any more has a successor, and nobody spins for it") {
  const SwitchRig rig(1);
  const pid_t worker = rig.WorkerOf(0);
  std::set<unsigned long> sockets;
  for (const auto& fd : std::filesystem::directory_iterator("/proc/" + std::to_string(worker) + "/fd")) {
    if (std::filesystem::read_symlink(fd.path()).string().starts_with("socket:"))
      sockets.insert(std::stoul(fd.path().filename()));
  }
  REQUIRE(sockets.size() == 2);
  MakeCall(worker, SYS_close, {*sockets.rbegin()});  // it may be killed before that returns
  Until("another worker", [&] { return rig.WorkerOf(0) != worker; });
  RequireServed(rig);
}

TEST_CASE("a worker that ends as it does after an unmount has a successor like any other") {
  const SwitchRig rig(1);
  const pid_t server = rig.ServerOf(0);
  const pid_t worker = rig.WorkerOf(0);
  CHECK(MakeCall(worker, SYS_exit_group) == std::nullopt);
  RequireServed(rig);
  CHECK(rig.ServerOf(0) == server);
  CHECK(rig.WorkerOf(0) != worker);
  CHECK(rig.Status(0).at("last_death") == "exit status 0");
}

#endif

TEST_CASE("nothing of a switch that was prepared and not made stays open") {
  const SwitchRig rig(1);
  const size_t in_server = DescriptorsOf(rig.ServerOf(0));
  const size_t in_worker = DescriptorsOf(rig.WorkerOf(0));
  {
    fuse::ControlChannel channel = rig.OnlyMount().channel;
    REQUIRE_OK(channel.Ask(PrepareTree(rig, 1)));
    CHECK(DescriptorsOf(rig.WorkerOf(0)) > in_worker);
    REQUIRE_OK(channel.Ask({{"request", "abort"}}));
  }
  CHECK(DescriptorsOf(rig.WorkerOf(0)) == in_worker);
  // The server has closed the line before it answers the next one.
  REQUIRE(rig.ServerOf(0) != 0);
  Until("the line to close", [&] { return DescriptorsOf(rig.ServerOf(0)) == in_server; });
  rig.SwitchByProgram(1);
  CHECK(rig.Generations().at(rig.mount(0)) == 2);
}

// Kills each child of `process` before it does anything, for as long as `going_on`.
template <class Condition>
void KillChildrenAtBirth(pid_t process, Condition going_on) {
  REQUIRE(::ptrace(PTRACE_SEIZE, process, nullptr, PTRACE_O_TRACEFORK) == 0);
  for (const pid_t child : ChildrenOf(process)) ::kill(child, SIGKILL);
  const auto handle = [&](pid_t stopped, int status) {
    if (!WIFSTOPPED(status)) return;
    if (stopped != process) ::kill(stopped, SIGKILL);
    const int signal = status >> 16 == 0 ? WSTOPSIG(status) : 0;  // no event, but a signal to be delivered
    ::ptrace(PTRACE_CONT, stopped, nullptr, signal);
  };
  int status = 0;
  while (going_on()) {
    if (const pid_t stopped = ::waitpid(-1, &status, __WALL | WNOHANG); stopped > 0) handle(stopped, status);
  }
  REQUIRE(::ptrace(PTRACE_INTERRUPT, process, nullptr, nullptr) == 0);
  for (pid_t stopped = 0; stopped != process;) {
    stopped = ::waitpid(-1, &status, __WALL);
    REQUIRE(stopped > 0);
    if (stopped != process) handle(stopped, status);
  }
  REQUIRE(::ptrace(PTRACE_DETACH, process, nullptr, nullptr) == 0);
}

TEST_CASE("a switch that no worker survives is refused, and what was shown is served on") {
  const SwitchRig rig(1);
  const pid_t server = rig.ServerOf(0);
  const pid_t worker = rig.WorkerOf(0);
  fuse::ControlChannel channel = rig.OnlyMount().channel;
  // It is asked to prepare, and does not, until it is killed: so are those that come next.
  REQUIRE(::kill(worker, SIGSTOP) == 0);
  const size_t before = DescriptorsOf(server);
  REQUIRE_OK(channel.Send(PrepareTree(rig, 1)));
  Until("the server to prepare", [&] { return DescriptorsOf(server) > before; });
  pollfd answer{channel.socket(), POLLIN, 0};
  KillChildrenAtBirth(server, [&] { return ::poll(&answer, 1, 0) == 0; });
  const auto prepared = channel.ReceiveAnswer();
  REQUIRE_FAILS(ErrorCode::kBusy, prepared);
  CHECK(prepared.error().message().find("keeps dying") != std::string::npos);
  CHECK(rig.ServerOf(0) == server);
  CHECK(rig.Generations().at(rig.mount(0)) == 1);
  Until("a worker", [&] { return rig.WorkerOf(0) != 0; });
  RequireServed(rig);
}

}  // namespace
}  // namespace veneer::test
