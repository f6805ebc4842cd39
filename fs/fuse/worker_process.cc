#include "fs/fuse/worker_process.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

namespace veneer::fuse {
namespace {

// A worker that is silent for longer hangs. Less than what clients of the supervisor wait.
constexpr time_t kAnswerSeconds = 90;

struct Pair {
  UniqueFd ours;
  UniqueFd theirs;
};

Result<Pair> MakePair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return FailErrno(errno, "sockets for the worker");
  return Pair{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

}  // namespace

Result<WorkerProcess> WorkerProcess::Start(SharedState& shared, const WorkerSetup& setup) {
  VENEER_ASSIGN(Pair control, MakePair());
  VENEER_ASSIGN(Pair report, MakePair());
  const timeval patience{.tv_sec = kAnswerSeconds, .tv_usec = 0};
  if (::setsockopt(control.ours.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0)
    return FailErrno(errno, "sockets for the worker");
  std::fflush(nullptr);
  const pid_t pid = ::fork();
  if (pid < 0) return FailErrno(errno, "starting the worker");
  if (pid == 0) {
    RunWorker(std::move(control.theirs), std::move(report.theirs), shared, setup);
  }
  return WorkerProcess(pid, ControlChannel(std::move(control.ours)), std::move(report.ours));
}

WorkerProcess::WorkerProcess(WorkerProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      channel_(std::move(other.channel_)),
      report_(std::move(other.report_)) {}

WorkerProcess::~WorkerProcess() {
  static_cast<void>(End());
}

std::optional<std::string> WorkerProcess::End() {
  if (pid_ < 0) return std::nullopt;
  int status = 0;
  ::kill(pid_, SIGKILL);  // of no effect on one that is about to end
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) continue;
  pid_ = -1;
  if (WIFSIGNALED(status))
    return fmt::format("signal {} ({})", WTERMSIG(status), ::strsignal(WTERMSIG(status)));
  if (WEXITSTATUS(status) == 0) return std::nullopt;
  return fmt::format("exit status {}", WEXITSTATUS(status));
}

}  // namespace veneer::fuse
