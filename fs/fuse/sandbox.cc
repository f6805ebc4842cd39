#include "fs/fuse/sandbox.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "fs/fuse/sanitizers.h"

namespace veneer::fuse {
namespace {

struct FilterDeleter {
  void operator()(void* filter) const { seccomp_release(filter); }
};
using Filter = std::unique_ptr<void, FilterDeleter>;

// What serving needs whatever its arguments are.
constexpr int kAllowed[] = {
    // Descriptors that are there.
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(pread64),
    SCMP_SYS(preadv),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(lseek),
    SCMP_SYS(close),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendmsg),
    // Memory; mmap and mprotect stand below.
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(brk),
    SCMP_SYS(madvise),
    // Threads and signals; clone and tgkill stand below.
    SCMP_SYS(futex),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(gettid),
    SCMP_SYS(getpid),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    // Time and chance.
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(getrandom),
};

Status Allow(const Filter& filter, int call, std::initializer_list<scmp_arg_cmp> conditions = {}) {
  const int error = seccomp_rule_add_array(filter.get(), SCMP_ACT_ALLOW, call,
                                           static_cast<unsigned>(conditions.size()), conditions.begin());
  return error == 0 ? Status() : FailErrno(-error, "seccomp");
}

// That the bits of `mask` in the argument are `value`. libseccomp's own macros for it are C, not C++.
constexpr scmp_arg_cmp Masked(unsigned argument, scmp_datum_t mask, scmp_datum_t value) {
  return {.arg = argument, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = value};
}

Status FilterSystemCalls() {
  const Filter filter(seccomp_init(SCMP_ACT_ERRNO(EPERM)));
  if (!filter) return Fail(ErrorCode::kIo, "seccomp: no memory for a filter");
  for (const int call : kAllowed) VENEER_TRY(Allow(filter, call));
  // No memory that can be run.
  VENEER_TRY(Allow(filter, SCMP_SYS(mmap), {Masked(2, PROT_EXEC, 0)}));
  VENEER_TRY(Allow(filter, SCMP_SYS(mprotect), {Masked(2, PROT_EXEC, 0)}));
  // Threads of this process, no others. The C library falls back to clone where there is no clone3, whose
  // arguments cannot be looked at.
  VENEER_TRY(Allow(filter, SCMP_SYS(clone), {Masked(0, CLONE_THREAD, CLONE_THREAD)}));
  const int no_clone3 = seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
  if (no_clone3 != 0) return FailErrno(-no_clone3, "seccomp");
  // Its own threads, for abort().
  VENEER_TRY(
      Allow(filter, SCMP_SYS(tgkill), {Masked(0, ~scmp_datum_t{0}, static_cast<scmp_datum_t>(::getpid()))}));
  // libfuse asks whether the descriptor of the mount is open.
  VENEER_TRY(Allow(filter, SCMP_SYS(fcntl), {Masked(1, ~scmp_datum_t{0}, F_GETFD)}));
  const int loaded = seccomp_load(filter.get());
  return loaded == 0 ? Status() : FailErrno(-loaded, "seccomp");
}

// No more than `most`, or than what the process was given: only some may go beyond that.
Status Limit(__rlimit_resource resource, rlim_t most) {
  rlimit limit{};
  if (::getrlimit(resource, &limit) != 0) return FailErrno(errno, "getrlimit");
  limit.rlim_max = std::min(most, limit.rlim_max);
  limit.rlim_cur = limit.rlim_max;
  return ::setrlimit(resource, &limit) == 0 ? Status() : FailErrno(errno, "setrlimit");
}

Status BecomeUser(const SandboxOptions& options) {
  if (::setgroups(0, nullptr) != 0 || ::setresgid(options.group, options.group, options.group) != 0 ||
      ::setresuid(options.user, options.user, options.user) != 0) {
    return FailErrno(errno, fmt::format("becoming user {}", options.user));
  }
  // Another process of that user must not look into this one.
  if (::prctl(PR_SET_DUMPABLE, 0) != 0) return FailErrno(errno, "prctl");
  return {};
}

}  // namespace

SandboxOptions UnprivilegedUser() {
  for (const char* name : {"veneer", "nobody"}) {
    if (const passwd* entry = ::getpwnam(name))
      return {entry->pw_uid, entry->pw_gid, 0};  // NOLINT: one thread
  }
  return {};
}

Status EnterSandbox(const SandboxOptions& options) {
  VENEER_TRY(Limit(RLIMIT_CORE, 0));
  if (!kSanitized) {
    VENEER_TRY(Limit(RLIMIT_FSIZE, 0));
    if (options.memory != 0) VENEER_TRY(Limit(RLIMIT_DATA, options.memory));
  }
  VENEER_TRY(BecomeUser(options));
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return FailErrno(errno, "prctl");
  return FilterSystemCalls();
}

}  // namespace veneer::fuse
