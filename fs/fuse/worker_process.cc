#include "fs/fuse/worker_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <optional>
#include <sstream>
#include <utility>

#include "fs/base/exception.h"
#include "fs/fuse/message.h"
#include "fs/fuse/steady_clock.h"
#include "fs/io/process.h"

namespace veneer::fuse {
namespace {

namespace fs = std::filesystem;

// Milliseconds. A worker that is silent for longer hangs; less than what clients of the supervisor wait.
constexpr int64_t kAnswerPatience = 90'000;
// After so many without an answer one looks whether there can be any.
constexpr int kLook = 50;
// One that has closed its end ends by itself, and with what it does that says why.
constexpr int kLastWords = 1000;

// What stands in `path`, a file of /proc; nothing where the process or thread has ended meanwhile. kIo.
Result<std::optional<std::string>> ReadOfProcess(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 4096> part;
  std::string text;
  ssize_t n = -1;
  while (file && (n = ::read(file.get(), part.data(), part.size())) > 0) {
    text.append(part.data(), static_cast<size_t>(n));
  }
  if (n == 0) return text;
  if (errno == ENOENT || errno == ESRCH) return std::nullopt;
  return FailErrno(errno, path);
}

// Whether the thread with the folder `thread` in /proc will do nothing any more but end, once the kernel lets
// it. One that nothing can be learned of may do much.
bool IsKilledAndWaits(const fs::path& thread) {
  const auto status = ReadOfProcess(thread / "status");
  if (!status) return false;
  if (!*status) return true;
  char state = '?';
  uint64_t pending = 0;
  std::istringstream lines(**status);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("State:\t")) state = line[7];
    if (line.starts_with("SigPnd:\t")) pending = std::stoull(line.substr(8), nullptr, 16);
  }
  return state == 'Z' || state == 'X' || (state == 'D' && (pending >> (SIGKILL - 1) & 1) != 0);
}

// When the process began; 0 if there is none. kIo.
Result<uint64_t> StartOf(pid_t pid) {
  VENEER_ASSIGN(const auto text, ReadOfProcess(fmt::format("/proc/{}/stat", pid)));
  if (!text) return 0;
  // The name of the program is the second field, in parentheses, and may hold anything; this is the 22nd.
  std::istringstream fields(text->substr(std::min(text->size(), text->rfind(')') + 1)));
  std::string skipped;
  for (int field = 3; field < 22; ++field) fields >> skipped;
  uint64_t started = 0;
  fields >> started;
  return started;
}

// Whether the process that `fd` stands for is that one: asked until it can be told.
bool IsProcess(const ProcessId& id, int fd) {
  pollfd ended{fd, POLLIN, 0};
  auto started = StartOf(id.pid);
  for (; !started; started = StartOf(id.pid)) {
    if (::poll(&ended, 1, kLook) > 0) return false;
  }
  return *started == id.started;
}

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

// Where nothing can catch what is thrown, on whatever thread.
[[noreturn]] void EndWorker() {
  try {
    throw;
  } catch (const std::exception& exception) {
    if (ErrorOf(exception).code() == ErrorCode::kNoMemory) ::_exit(kEndedWithoutMemory);
  } catch (...) {
  }
  std::abort();
}

// The child of a fork. Nothing is thrown out of it: what stands above it on the stack is the supervisor's,
// and is not the child's to take down.
[[noreturn]] void RunChild(UniqueFd control, UniqueFd report, SharedState& shared,
                           const WorkerSetup& setup) noexcept {
  std::set_terminate(EndWorker);
  RunWorker(std::move(control), std::move(report), shared, setup);
}

}  // namespace

bool IsStuck(pid_t pid) {
  std::error_code error;
  fs::directory_iterator thread(fmt::format("/proc/{}/task", pid), error);
  for (; !error && thread != fs::directory_iterator(); thread.increment(error)) {
    if (!IsKilledAndWaits(thread->path())) return false;
  }
  return !error;
}

Result<WorkerProcess> WorkerProcess::Start(SharedState& shared, const WorkerSetup& setup, MayWait may_wait) {
  VENEER_ASSIGN(Pair control, MakePair());
  VENEER_ASSIGN(Pair report, MakePair());
  std::fflush(nullptr);
  const pid_t pid = ::fork();
  if (pid < 0) return FailErrno(errno, "starting the worker");
  if (pid == 0) {
    RunChild(std::move(control.theirs), std::move(report.theirs), shared, setup);
  }
  return WorkerProcess(pid, ControlChannel(std::move(control.ours)), std::move(report.ours),
                       std::move(may_wait));
}

WorkerProcess::WorkerProcess(WorkerProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      lost_(other.lost_),
      silent_(other.silent_),
      ending_(other.ending_),
      channel_(std::move(other.channel_)),
      report_(std::move(other.report_)),
      may_wait_(std::move(other.may_wait_)) {}

WorkerProcess::~WorkerProcess() {
  static_cast<void>(End());
}

Result<nlohmann::json> WorkerProcess::Ask(const nlohmann::json& request, std::span<const int> descriptors) {
  VENEER_TRY(channel_.Send(request, descriptors));
  pollfd answer{channel_.socket(), POLLIN, 0};
  const int64_t deadline = SteadyMilliseconds() + kAnswerPatience;
  while (::poll(&answer, 1, kLook) <= 0) {
    if ((lost_ = IsStuck(pid_))) return Fail(ErrorCode::kNotFound, "the worker was killed");
    if ((lost_ = !may_wait_())) return Fail(ErrorCode::kInterrupted, "told to stop");
    if ((lost_ = silent_ = SteadyMilliseconds() >= deadline))
      return Fail(ErrorCode::kIo, "silence for {} s", kAnswerPatience / 1000);
  }
  auto message = ReceiveMessage(channel_.socket());
  lost_ = !message || !*message;
  ending_ = message && !*message;
  if (!message) return tl::unexpected<Error>(message.error());
  if (!*message) return Fail(ErrorCode::kNotFound, "the worker has gone");
  return ReadAnswer(std::move((*message)->json));
}

Result<ProcessId> IdOf(pid_t pid) {
  VENEER_ASSIGN(const uint64_t started, StartOf(pid));
  return ProcessId{pid, started};
}

void EndStranger(const ProcessId& stranger) {
  if (stranger.pid <= 0) return;
  UniqueFd process = io::OpenProcess(stranger.pid);
  const auto lacks_room = [] { return errno == EMFILE || errno == ENFILE || errno == ENOMEM; };
  for (; !process && lacks_room(); process = io::OpenProcess(stranger.pid)) ::poll(nullptr, 0, kLook);
  if (!process || !IsProcess(stranger, process.get())) return;
  ::syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0);
  pollfd ended{process.get(), POLLIN, 0};
  while (::poll(&ended, 1, kLook) <= 0 && !IsStuck(stranger.pid)) continue;
}

WorkerProcess::Ending WorkerProcess::End() {
  if (pid_ < 0) return {};
  int status = 0;
  const UniqueFd process = io::OpenProcess(pid_);
  pollfd ended{process.get(), POLLIN, 0};
  if (ending_) ::poll(&ended, 1, kLastWords);
  ::kill(pid_, SIGKILL);  // of no effect on one that is about to end
  const pid_t pid = std::exchange(pid_, -1);
  while (::waitpid(pid, &status, WNOHANG) == 0) {
    if (::poll(&ended, 1, kLook) > 0) continue;
    if (IsStuck(pid)) return {"signal 9 (Killed), in a request to the kernel", pid};
  }
  if (WIFSIGNALED(status))
    return {fmt::format("signal {} ({})", WTERMSIG(status), ::strsignal(WTERMSIG(status))), -1};
  if (WEXITSTATUS(status) == kEndedWithoutMemory) return {"out of memory", -1};
  return {fmt::format("exit status {}", WEXITSTATUS(status)), -1};
}

}  // namespace veneer::fuse
