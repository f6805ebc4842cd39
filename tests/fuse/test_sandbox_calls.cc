// What the filter of the sandbox says of every system call, without one of them being made.
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <functional>
#include <set>
#include <vector>

#include "fs/fuse/sandbox.h"
#include "fs/fuse/sanitizers.h"
#include "tests/support/catch.h"

namespace veneer::fuse {
namespace {

constexpr long kCalls = 1024;  // numbers that are looked at: twice as many as there are

// uretprobe and uprobe, which the kernel puts into programs that are traced. It asks no filter about them,
// and ends whoever else makes them.
bool IsOfProbes([[maybe_unused]] long number) {
#ifdef __x86_64__
  return number == 335 || number == 336;
#else
  return false;
#endif
}

// An errno that no call has: the sandbox would have let it pass.
constexpr int kAllowed = 4000;

// What makes a call a question is in its last argument, which the sandbox does not look at.
constexpr uint32_t kQuestion = 0x5eed5eed;

// Refuses all questions. Of two filters that refuse a call the newer one names the errno: this one, which is
// the older, is heard where the sandbox allows the call. Either way it is not made.
bool RefuseQuestions() {
  constexpr uint32_t kUpperHalf = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 4 : 0;
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[5]) + kUpperHalf),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kQuestion, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | kAllowed),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{std::size(program), program};
  return ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

struct Call {
  long number;
  uint64_t first = 0, second = 0, third = 0, fourth = 0;
};

int Ask(const Call& call) {
  const long result = ::syscall(call.number, call.first, call.second, call.third, call.fourth, 0UL,
                                static_cast<uint64_t>(kQuestion) << 32);
  return result == -1 ? errno : 0;
}

// The answers to `calls`, in a child in the sandbox. Each is an errno.
std::vector<int> AnswersTo(const std::vector<Call>& calls) {
  const size_t size = calls.size() * sizeof(int);
  void* place = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(place != MAP_FAILED);
  int* answers = static_cast<int*>(place);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    OpenSanitizerReport();
    if (!RefuseQuestions() || !EnterSandbox(UnprivilegedUser())) ::_exit(1);
    for (size_t i = 0; i < calls.size(); ++i) answers[i] = Ask(calls[i]);
    ::syscall(SYS_exit_group, 0UL, 0UL, 0UL, 0UL, 0UL, 0UL);  // no question, whatever registers still hold
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(status == 0);
  std::vector<int> result(answers, answers + calls.size());
  ::munmap(place, size);
  return result;
}

bool IsAllowed(const Call& call) {
  return AnswersTo({call}).front() == kAllowed;
}

// Which values out of 0 and all powers of two, each xored with `base`, the sandbox allows.
std::set<uint64_t> AllowedOf(uint64_t base, const std::function<Call(uint64_t)>& call) {
  std::vector<uint64_t> values = {base};
  for (unsigned bit = 0; bit < 64; ++bit) values.push_back(base ^ uint64_t{1} << bit);
  std::vector<Call> calls;
  for (const uint64_t value : values) calls.push_back(call(value));
  const std::vector<int> answers = AnswersTo(calls);
  std::set<uint64_t> allowed;
  for (size_t i = 0; i < values.size(); ++i) {
    CHECK((answers[i] == kAllowed || answers[i] == EPERM));
    if (answers[i] == kAllowed) allowed.insert(values[i]);
  }
  return allowed;
}

using Values = std::set<uint64_t>;

TEST_CASE("the sandbox allows these calls whatever their arguments, and no other") {
  std::set<long> allowed = {
      SYS_read,
      SYS_readv,
      SYS_pread64,
      SYS_preadv,
      SYS_write,
      SYS_writev,
      SYS_lseek,
      SYS_close,
      SYS_ppoll,
      SYS_recvmsg,
      SYS_sendmsg,
      SYS_munmap,
      SYS_brk,
      SYS_madvise,
      SYS_futex,
      SYS_set_robust_list,
      SYS_rseq,
      SYS_gettid,
      SYS_getpid,
      SYS_sched_yield,
      SYS_rt_sigprocmask,
      SYS_sched_getaffinity,
      SYS_rt_sigaction,
      SYS_rt_sigreturn,
      SYS_sigaltstack,
      SYS_restart_syscall,
      SYS_exit,
      SYS_exit_group,
      SYS_clock_gettime,
      SYS_clock_nanosleep,
      SYS_gettimeofday,
      SYS_getrandom,
  };
#ifdef SYS_poll
  allowed.insert(SYS_poll);
#endif
  if (kSanitized) allowed.insert({SYS_mremap, SYS_mmap, SYS_mprotect});
  const uint64_t ones = ~uint64_t{0};
  std::vector<Call> with_zeros;
  std::vector<Call> with_ones;
  for (long number = 0; number < kCalls; ++number) {
    const long asked = IsOfProbes(number) ? SYS_reboot : number;
    with_zeros.push_back({.number = asked});
    with_ones.push_back({asked, ones, ones, ones, ones});
  }
  const std::vector<int> zeros = AnswersTo(with_zeros);
  std::vector<int> answers = AnswersTo(with_ones);
  for (const long number : {SYS_mmap, SYS_mprotect}) {  // those of a sanitizer are not executable
    if (kSanitized) answers[static_cast<size_t>(number)] = kAllowed;
  }
  for (long number = 0; number < kCalls; ++number) {
    INFO("call " << number);
    const int refused = number == SYS_clone3 ? ENOSYS : EPERM;  // for the C library to try clone
    const int expected = allowed.contains(number) ? kAllowed : refused;
    CHECK(zeros[static_cast<size_t>(number)] == expected);
    CHECK(answers[static_cast<size_t>(number)] == expected);
  }
}

TEST_CASE("the sandbox gives no memory that is not counted as data, or that can be run") {
  if (kSanitized) return;
  constexpr uint64_t kWritable = PROT_READ | PROT_WRITE;
  constexpr uint64_t kPrivate = MAP_PRIVATE | MAP_ANONYMOUS;
  CHECK(AllowedOf(kPrivate,
                  [](uint64_t flags) {
                    return Call{.number = SYS_mmap, .third = kWritable, .fourth = flags};
                  }) == Values{kPrivate, kPrivate | MAP_NORESERVE, kPrivate | MAP_STACK, kPrivate | MAP_FIXED,
                               kPrivate | MAP_FIXED_NOREPLACE});
  CHECK(AllowedOf(0, [](uint64_t protection) {
          return Call{.number = SYS_mmap, .third = protection, .fourth = kPrivate};
        }) == Values{PROT_NONE});
  CHECK(AllowedOf(kWritable, [](uint64_t protection) {
          return Call{.number = SYS_mmap, .third = protection, .fourth = kPrivate};
        }) == Values{kWritable});
  for (const uint64_t base : {uint64_t{PROT_NONE}, kWritable}) {
    const Values allowed = base == kWritable ? Values{kWritable} : Values{};
    CHECK(AllowedOf(base, [](uint64_t protection) {
            return Call{.number = SYS_mprotect, .third = protection};
          }) == allowed);
  }
  CHECK_FALSE(
      IsAllowed({.number = SYS_mmap, .third = kWritable, .fourth = MAP_SHARED_VALIDATE | MAP_ANONYMOUS}));
  CHECK_FALSE(
      IsAllowed({.number = SYS_mmap, .third = kWritable, .fourth = kPrivate | MAP_STACK | MAP_GROWSDOWN}));
  CHECK_FALSE(IsAllowed({.number = SYS_mmap, .third = PROT_NONE, .fourth = MAP_SHARED | MAP_ANONYMOUS}));
}

TEST_CASE("the sandbox allows threads of the C library, and one question about a descriptor") {
  constexpr uint64_t kThread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
                               CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
  const auto clone = [](uint64_t flags) { return Call{.number = SYS_clone, .first = flags}; };
  CHECK(AllowedOf(kThread, clone) == Values{kThread});
  CHECK_FALSE(IsAllowed(clone(SIGCHLD)));
  CHECK_FALSE(IsAllowed(clone(CLONE_VM | CLONE_VFORK | SIGCHLD)));
  std::vector<Call> questions;
  for (uint64_t command = 0; command < 2048; ++command)
    questions.push_back({.number = SYS_fcntl, .second = command});
  const std::vector<int> answers = AnswersTo(questions);
  for (size_t command = 0; command < answers.size(); ++command) {
    INFO("fcntl " << command);
    CHECK(answers[command] == (command == F_GETFD ? kAllowed : EPERM));
  }
  CHECK_FALSE(IsAllowed({SYS_fcntl, F_GETFD | uint64_t{1} << 32}));
}

TEST_CASE("the sandbox lets no process signal another") {
  for (const pid_t other : {0, 1, -1, ::getpid()})
    CHECK_FALSE(IsAllowed({.number = SYS_tgkill, .first = static_cast<uint64_t>(other)}));
}

#ifdef __x86_64__

TEST_CASE("the calls of another architecture end a process in the sandbox") {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    OpenSanitizerReport();
    if (!EnterSandbox(UnprivilegedUser())) ::_exit(1);
    constexpr long kX32 = 0x40000000;
    ::syscall(kX32 | SYS_getpid);
    ::_exit(2);
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGSYS);
}

#endif

}  // namespace
}  // namespace veneer::fuse
