#include "tools/mount_command.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "fs/base/cancel.h"
#include "fs/io/file_ops.h"
#include "fs/io/process.h"
#include "tools/interrupt.h"
#include "tools/log_sink.h"
#include "tools/no_memory.h"
#include "tools/pending.h"
#include "tools/service_manager.h"

namespace veneer::tools {
namespace {

// Comes to have a mount.
using Begin = std::function<Result<std::unique_ptr<fuse::Supervisor>>(fuse::Log log)>;

// Serves until the end; `ready` is told once the mount answers.
Status Serve(const Begin& begin, fuse::Log log, const std::function<void()>& ready) {
  VENEER_ASSIGN(const auto supervisor, begin(std::move(log)));
  ready();
  supervisor->Run();
  return {};
}

// What the daemon tells the command that started it: nothing but an end if all is well, or "CODE\nMESSAGE".
std::string Pack(const Error& error) {
  return fmt::format("{}\n{}", CodeWord(error.code()), error.message());
}

Status Unpack(const std::string& text) {
  if (text == "ready") return {};
  const size_t line = text.find('\n');
  if (line == std::string::npos)
    return Fail(ErrorCode::kFailed, "the server ended before the mount answered");
  return tl::unexpected<Error>(Error(CodeOfWord(text.substr(0, line)), text.substr(line + 1)));
}

// What a daemon needs of its command's descriptors, -1 for none.
struct Needs {
  int line = -1;  // to the mount's former server
  int lock = -1;  // until it has the mount
};

// Closes all that this process has open but the standard descriptors and `kept`.
void CloseAllBut(std::array<int, 3> kept) {
  std::sort(kept.begin(), kept.end());
  int next = STDERR_FILENO + 1;
  for (const int fd : kept) {
    if (fd > next) ::close_range(static_cast<unsigned>(next), static_cast<unsigned>(fd - 1), 0);
    next = std::max(next, fd + 1);
  }
  ::close_range(static_cast<unsigned>(next), ~0U, 0);
}

// Of what its command had open, and of what that one's caller had, a daemon keeps for good only what it
// needs: no end of a pipe, no line to another server. Nothing is thrown out of here, into the command's part
// of the stack.
[[noreturn]] void RunDaemon(const Begin& begin, UniqueFd report, int stop, const Needs& needs) noexcept {
  CloseAllBut({report.get(), needs.line, needs.lock});
  ::setsid();
  // From here on it comes from the command alone, which was told by some other signal perhaps: nohup has
  // SIGHUP ignored.
  CatchAlways(stop);
  const auto tell = [&](const std::string& text) {
    static_cast<void>(io::WriteAll(report.get(), AsBytes(text), "pipe"));
    report.reset();
  };
  // Only now may the terminal's descriptors go: until here an error still has somebody to hear it.
  const auto ready = [&] {
    const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null.get(), fd);
    tell("ready");
  };
  const Status served = Guarded([&]() -> Status {
    if (::chdir("/") != 0) return FailErrno(errno, "/");
    return Serve(begin, OpenLog(true), ready);
  });
  if (!served) tell(Pack(served.error()));
  ::_exit(served ? 0 : 1);
}

// The daemon, once the mount answers. It is a session of its own, so whoever stops this command does not
// reach it: meanwhile it gets `stop` then.
Result<pid_t> Daemonize(const Begin& begin, int stop, const Needs& needs = {}) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return FailErrno(errno, "pipe");
  UniqueFd input(ends[0]);
  UniqueFd output(ends[1]);
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child < 0) return FailErrno(errno, "fork");
  if (child == 0) {
    input.reset();
    RunDaemon(begin, std::move(output), stop, needs);
  }
  output.reset();
  std::string text;
  char buffer[4096];
  pollfd readable{input.get(), POLLIN, 0};
  for (;;) {
    if (CancelRequested()) ::kill(child, stop);
    if (::poll(&readable, 1, kCancelPollMilliseconds) <= 0) continue;
    const ssize_t n = ::read(input.get(), buffer, sizeof buffer);
    if (n <= 0) break;
    text.append(buffer, static_cast<size_t>(n));
  }
  VENEER_TRY(Unpack(text));
  return child;
}

// Has the child `server` unmount, and waits until that is done; not for ever, for somebody may use the mount
// already.
void End(pid_t server) {
  constexpr int kPatience = 5000;  // milliseconds
  ::kill(server, SIGTERM);
  const UniqueFd process = io::OpenProcess(server);
  pollfd ended{process.get(), POLLIN, 0};
  while (::poll(&ended, 1, kPatience) < 0 && errno == EINTR) continue;
}

// In a process of its own: the supervisor forks, and a process that wrote to the catalog must not any more.
void TakePendingApart(const fuse::MountOptions& options, const catalog::Medium& medium) {
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    static_cast<void>(Guarded([&]() -> Status {
      TakePending(options, medium, OpenLog(false));
      return {};
    }));
    std::fflush(nullptr);
    ::_exit(0);
  }
  if (child < 0) return;  // the mount goes on with what is current
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
}

}  // namespace

Result<std::string> AbsolutePath(const std::string& path) {
  char resolved[PATH_MAX];
  if (::realpath(path.c_str(), resolved) == nullptr) return FailErrno(errno, path);
  return std::string(resolved);
}

Result<std::string> MountPoint(const std::string& path) {
  auto resolved = AbsolutePath(path);
  if (resolved || ::access(path.c_str(), F_OK) == 0 || errno != ENOTCONN) return resolved;
  const std::filesystem::path plain = std::filesystem::absolute(path).lexically_normal();
  const std::filesystem::path place = plain.has_filename() ? plain : plain.parent_path();
  VENEER_ASSIGN(const std::string folder, AbsolutePath(place.parent_path()));
  return (std::filesystem::path(folder) / place.filename()).string();
}

Status MountAndServe(fuse::MountOptions options, const catalog::Medium& medium, bool foreground) {
  // The daemon works in /. What is not there is for the store to complain of.
  for (std::string* path : {&options.store, &options.trust}) {
    if (auto absolute = AbsolutePath(*path)) *path = std::move(*absolute);
  }
  const auto manager = foreground ? ServiceManager::Find() : nullptr;
  if (manager) {
    if (auto kept = manager->TakeKept(); fuse::Supervisor::CanResume(kept)) {
      const Begin resume = [&](fuse::Log log) {
        return fuse::Supervisor::Resume(std::move(kept), *manager, std::move(log));
      };
      return Serve(resume, OpenLog(false), [&] { manager->Ready(); });
    }
  }
  TakePendingApart(options, medium);
  const Begin begin = [&](fuse::Log log) {
    return fuse::Supervisor::Start(std::move(options), std::move(log), manager.get());
  };
  if (foreground) {
    return Serve(begin, OpenLog(false), [&] {
      if (manager) manager->Ready();
    });
  }
  VENEER_ASSIGN(const pid_t server, Daemonize(begin, SIGTERM));
  Status stopped = CheckCancel();
  if (!stopped) End(server);
  return stopped;
}

Status TakeOverAndServe(fuse::ControlChannel former, const UniqueFd& lock) {
  const Needs needs{former.socket(), lock.get()};
  const Begin begin = [&](fuse::Log log) {
    auto taken = fuse::Supervisor::TakeOver(std::move(former), std::move(log));
    ::close(needs.lock);  // the daemon's; the command has it still
    return taken;
  };
  // To one that has the mount already, SIGHUP is nothing: a stop that comes late must not unmount it.
  VENEER_TRY(Daemonize(begin, SIGHUP, needs));
  return {};
}

}  // namespace veneer::tools
