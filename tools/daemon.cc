#include "tools/daemon.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <string>
#include <string_view>

#include "fs/base/cancel.h"
#include "fs/fuse/steady_clock.h"
#include "fs/io/file_ops.h"
#include "fs/io/process.h"
#include "tools/interrupt.h"
#include "tools/log_sink.h"
#include "tools/no_memory.h"

namespace veneer::tools {
namespace {

using fuse::Guardian;

// How long a daemon that is to be stopped may take for it, in milliseconds: more than its guardian allows.
constexpr int64_t kStopPatience = 5'000;

// What the daemon writes where the mount is about to be its own, and where it is.
constexpr std::string_view kPastReturn = "past return\n";
constexpr std::string_view kReady = "ready";

// What the daemon tells the command that started it: nothing but an end if all is well, or "CODE\nMESSAGE".
std::string Pack(const Error& error) {
  return fmt::format("{}\n{}", CodeWord(error.code()), error.message());
}

Status Unpack(std::string_view all) {
  if (all.starts_with(kPastReturn)) all.remove_prefix(kPastReturn.size());
  if (all == kReady) return {};
  const std::string text(all);
  const size_t line = text.find('\n');
  if (line == std::string::npos)
    return Fail(ErrorCode::kFailed, "the server ended before the mount answered");
  return tl::unexpected<Error>(Error(CodeOfWord(text.substr(0, line)), text.substr(line + 1)));
}

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

// The terminal's descriptors go only once there is a mount: until then an error still has somebody to hear
// it.
void LeaveTerminal() {
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null.get(), fd);
}

// What is the daemon's only until there is a mount; its supervisor has all of it too, having been forked.
struct Start {
  UniqueFd report;  // to the command
  UniqueFd lock;
};

// `begin` as the supervisor of a daemon does it, which is none of those whom the command hears.
Guardian::Begin InDaemon(Guardian::Begin begin, Start& start) {
  return [begin = std::move(begin), &start](Guardian::Kept kept, fuse::Keeper& keeper) {
    start.report.reset();
    auto supervisor = begin(std::move(kept), keeper);
    start.lock.reset();
    if (supervisor) LeaveTerminal();
    return supervisor;
  };
}

// Of what its command had open, and of what that one's caller had, a daemon keeps for good only what it
// needs: no end of a pipe, no line to another server. Nothing is thrown out of here, into the command's part
// of the stack.
[[noreturn]] void RunDaemon(Course& course, UniqueFd report, int stop, const Needs& needs) noexcept {
  CloseAllBut({report.get(), needs.line, needs.lock});
  ::setsid();
  ::signal(SIGPIPE, SIG_IGN);  // the command may be killed before it has heard all
  // From here on it comes from the command alone, which was told by some other signal perhaps: nohup has
  // SIGHUP ignored.
  CatchAlways(stop);
  Start start{std::move(report), UniqueFd(needs.lock)};
  const auto tell = [&](std::string_view text) {
    static_cast<void>(io::WriteAll(start.report.get(), AsBytes(text), "pipe"));
  };
  const fuse::Log log = OpenLog(true);
  Guardian guardian(InDaemon(ResumeOf(course, log), start));
  const Status served = Guarded([&]() -> Status {
    if (::chdir("/") != 0) return FailErrno(errno, "/");
    return guardian.Start(InDaemon(BeginOf(course, log), start), {}, [&] { tell(kPastReturn); });
  });
  if (!served) {
    tell(Pack(served.error()));
    ::_exit(1);
  }
  LeaveTerminal();
  tell(kReady);
  start = {};
  course.before_resume = nullptr;
  if (needs.line >= 0) ::close(needs.line);
  guardian.Guard();
  ::_exit(0);
}

// What is known of a daemon that does not stop. Before its mount is about to be there it is killed, and its
// supervisor ends with it.
Error Unstoppable(pid_t daemon, bool past_return) {
  if (past_return) {
    return Error(
        ErrorCode::kInterrupted,
        fmt::format("process {} was told to stop, and may still come to serve the mount; run: veneer "
                    "status; interrupted",
                    daemon));
  }
  ::kill(daemon, SIGKILL);
  return Error(ErrorCode::kInterrupted,
               fmt::format("process {} did not stop, and was killed; interrupted", daemon));
}

// Hears the daemon `child` until it has said all. A request to stop is passed on as the signal `stop`, again
// and again.
Result<std::string> Hear(int input, pid_t child, int stop) {
  std::string text;
  char buffer[4096];
  pollfd readable{input, POLLIN, 0};
  int64_t stop_by = 0;
  for (;;) {
    const int64_t now = fuse::SteadyMilliseconds();
    if (CancelRequested()) {
      ::kill(child, stop);
      if (stop_by == 0) stop_by = now + kStopPatience;
      if (now >= stop_by) return tl::unexpected<Error>(Unstoppable(child, text.starts_with(kPastReturn)));
    }
    if (::poll(&readable, 1, kCancelPollMilliseconds) <= 0) continue;
    const ssize_t n = ::read(input, buffer, sizeof buffer);
    if (n <= 0) return text;
    text.append(buffer, static_cast<size_t>(n));
  }
}

}  // namespace

Guardian::Begin BeginOf(const Course& course, const fuse::Log& log) {
  return [&course, log](Guardian::Kept, fuse::Keeper& keeper) {
    return Guarded([&] { return course.begin(keeper, log); });
  };
}

Guardian::Begin ResumeOf(const Course& course, const fuse::Log& log) {
  return [&course, log](Guardian::Kept kept, fuse::Keeper& keeper) {
    if (course.before_resume) course.before_resume();
    auto resumed = Guarded([&] { return fuse::Supervisor::Resume(std::move(kept), keeper, log); });
    if (!resumed) {
      log({fuse::kProblem,
           fmt::format("a mount whose server died goes on waiting for another: {}",
                       resumed.error().message()),
           {}});
    }
    return resumed;
  };
}

Result<pid_t> Daemonize(Course& course, int stop, const Needs& needs) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return FailErrno(errno, "pipe");
  UniqueFd input(ends[0]);
  UniqueFd output(ends[1]);
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child < 0) return FailErrno(errno, "fork");
  if (child == 0) {
    input.reset();
    RunDaemon(course, std::move(output), stop, needs);
  }
  output.reset();
  VENEER_ASSIGN(const std::string text, Hear(input.get(), child, stop));
  VENEER_TRY(Unpack(text));
  return child;
}

void End(pid_t server) {
  constexpr int kPatience = 5000;  // milliseconds
  ::kill(server, SIGTERM);
  const UniqueFd process = io::OpenProcess(server);
  pollfd ended{process.get(), POLLIN, 0};
  while (::poll(&ended, 1, kPatience) < 0 && errno == EINTR) continue;
}

}  // namespace veneer::tools
