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
#include <cstdio>
#include <fstream>
#include <memory>
#include <set>
#include <string_view>

#include "fs/fuse/sanitizers.h"

namespace veneer::fuse {
namespace {

struct FilterDeleter {
  void operator()(void* filter) const { seccomp_release(filter); }
};
using Filter = std::unique_ptr<void, FilterDeleter>;

// From here to SandboxOptions' own default, and on to 65533, is nobody's. Containers' images like the last
// two.
constexpr uid_t kLeastUnused = 65520;

constexpr rlim_t kFirstStack = 8 << 20;  // bytes

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
    // Memory; mmap and mprotect stand below. Without mremap the C library copies.
    SCMP_SYS(munmap),
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

constexpr scmp_arg_cmp Is(unsigned argument, scmp_datum_t value) {
  return Masked(argument, ~scmp_datum_t{0}, value);
}

// Memory that RLIMIT_DATA counts, and none that can be run. What is shared, grows by itself or cannot be
// written to is not counted; neither is what was written to and cannot be any more.
Status AllowMemory(const Filter& filter) {
  constexpr scmp_datum_t kPrivate = MAP_PRIVATE | MAP_ANONYMOUS;
  constexpr scmp_datum_t kOptional = MAP_NORESERVE | MAP_STACK | MAP_FIXED | MAP_FIXED_NOREPLACE;
  constexpr scmp_datum_t kWritable = PROT_READ | PROT_WRITE;
  for (const scmp_datum_t protection : {scmp_datum_t{PROT_NONE}, kWritable})
    VENEER_TRY(Allow(filter, SCMP_SYS(mmap), {Is(2, protection), Masked(3, ~kOptional, kPrivate)}));
  return Allow(filter, SCMP_SYS(mprotect), {Is(2, kWritable)});
}

// A sanitizer's memory has no bound, and is of more kinds.
Status AllowSanitizersMemory(const Filter& filter) {
  VENEER_TRY(Allow(filter, SCMP_SYS(mremap)));
  VENEER_TRY(Allow(filter, SCMP_SYS(mmap), {Masked(2, PROT_EXEC, 0)}));
  return Allow(filter, SCMP_SYS(mprotect), {Masked(2, PROT_EXEC, 0)});
}

Status FilterSystemCalls() {
  const Filter filter(seccomp_init(SCMP_ACT_ERRNO(EPERM)));
  if (!filter) return Fail(ErrorCode::kIo, "seccomp: no memory for a filter");
  for (const int call : kAllowed) VENEER_TRY(Allow(filter, call));
  VENEER_TRY(kSanitized ? AllowSanitizersMemory(filter) : AllowMemory(filter));
  // Threads of this process, no others. The C library falls back to clone where there is no clone3, whose
  // arguments cannot be looked at.
  constexpr scmp_datum_t kThread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
                                   CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
  VENEER_TRY(Allow(filter, SCMP_SYS(clone), {Is(0, kThread)}));
  const int no_clone3 = seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
  if (no_clone3 != 0) return FailErrno(-no_clone3, "seccomp");
  // Its own threads, for abort().
  VENEER_TRY(Allow(filter, SCMP_SYS(tgkill), {Is(0, static_cast<scmp_datum_t>(::getpid()))}));
  // libfuse asks whether the descriptor of the mount is open.
  VENEER_TRY(Allow(filter, SCMP_SYS(fcntl), {Is(1, F_GETFD)}));
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

// The supervisor may be spared for good reason. A worker has a successor, and may be what eats the memory.
// Where this cannot be told to the kernel, it is no worse than before.
void GiveUpSparing() {
  constexpr const char* kScore = "/proc/self/oom_score_adj";
  int score = 0;
  std::ifstream(kScore) >> score;
  if (score < 0) std::ofstream(kScore) << 0;
}

Status LimitResources(const SandboxOptions& options) {
  VENEER_TRY(Limit(RLIMIT_CORE, 0));
  VENEER_TRY(Limit(RLIMIT_NPROC, options.threads));
  if (kSanitized) return {};
  VENEER_TRY(Limit(RLIMIT_FSIZE, 0));
  VENEER_TRY(Limit(RLIMIT_STACK, kFirstStack));  // of the first thread: it grows, and is no data
  return options.memory == 0 ? Status() : Limit(RLIMIT_DATA, options.memory);
}

Status BecomeUser(const SandboxOptions& options) {
  if (::setgroups(0, nullptr) != 0 || ::setresgid(options.group, options.group, options.group) != 0 ||
      ::setresuid(options.user, options.user, options.user) != 0) {
    if (errno != EINVAL) return FailErrno(errno, fmt::format("becoming user {}", options.user));
    return Fail(ErrorCode::kIo,
                "becoming user {} of group {}: unknown in this user namespace, which has to map 65536 users",
                options.user, options.group);
  }
  // Another process of that user must not look into this one.
  if (::prctl(PR_SET_DUMPABLE, 0) != 0) return FailErrno(errno, "prctl");
  return {};
}

struct FileCloser {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

}  // namespace

SandboxOptions UnprivilegedUser(const std::string& accounts) {
  SandboxOptions options;
  std::set<uid_t> taken;
  const std::unique_ptr<std::FILE, FileCloser> file(std::fopen(accounts.c_str(), "re"));
  while (const passwd* entry = file ? ::fgetpwent(file.get()) : nullptr) {  // NOLINT: one thread
    taken.insert(entry->pw_uid);
    if (std::string_view(entry->pw_name) != "veneer" || entry->pw_uid == 0) continue;
    options.user = entry->pw_uid;
    options.group = entry->pw_gid;
    return options;
  }
  while (taken.contains(options.user) && options.user > kLeastUnused) --options.user;
  options.group = options.user;
  return options;
}

const SandboxOptions& WorkerUser() {
  static const SandboxOptions kUser = UnprivilegedUser();
  return kUser;
}

Status EnterSandbox(const SandboxOptions& options) {
  GiveUpSparing();
  VENEER_TRY(LimitResources(options));
  VENEER_TRY(BecomeUser(options));
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return FailErrno(errno, "prctl");
  return FilterSystemCalls();
}

}  // namespace veneer::fuse
