#include "fs/fuse/guardian.h"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <new>
#include <span>
#include <utility>

#include "fs/fuse/guardian_line.h"
#include "fs/fuse/locked_program.h"
#include "fs/fuse/steady_clock.h"
#include "fs/fuse/stop_signals.h"
#include "fs/io/process.h"

namespace veneer::fuse {
namespace {

using nlohmann::json;

// Milliseconds. A supervisor that is to be and was told to stop has so long for it; and one that goes on with
// a mount, whose users it has to serve to the end.
constexpr int64_t kStopPatience = 2'000;
constexpr int64_t kResumePatience = 10'000;
// After so many, what failed for want of memory is tried again.
constexpr int kWithoutMemory = 50;
// After so many, fork is tried again where it failed.
constexpr int64_t kForkWait = 1'000;

}  // namespace

Guardian::Guardian(Begin resume, Keeper* manager) : resume_(std::move(resume)), manager_(manager) {
  const sigset_t signals = StopSignals();
  ::sigprocmask(SIG_BLOCK, &signals, &before_);
  signals_.reset(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
}

Guardian::~Guardian() {
  ::sigprocmask(SIG_SETMASK, &before_, nullptr);
}

// What is loaded and locked here, each supervisor finds in memory.
Status Guardian::Start(const Begin& begin, Kept kept, const std::function<void()>& past_return) {
  if (!signals_) return FailErrno(errno, "signalfd");
  kept_ = std::move(kept);
  past_return_ = past_return;
  started_ = Supervisor::CanResume(kept_);
  LoadProgram();
  static_cast<void>(LockProgram());  // a supervisor says why it cannot
  VENEER_TRY(Fork(begin));
  while (!over_ && stage_ != Stage::kServes) Step();
  past_return_ = nullptr;
  if (stage_ == Stage::kServes) return {};
  return tl::unexpected<Error>(
      error_.value_or(Error(ErrorCode::kFailed, "the server ended before the mount answered")));
}

void Guardian::Guard() {
  while (!over_) {
    try {
      Step();
    } catch (const std::bad_alloc&) {
      ::poll(nullptr, 0, kWithoutMemory);
    }
  }
}

void Guardian::Step() {
  if (supervisor_ == 0 && SteadyMilliseconds() >= next_start_) {
    if (!Fork(resume_)) next_start_ = SteadyMilliseconds() + kForkWait;
    return;
  }
  pollfd watched[] = {
      {signals_.get(), POLLIN, 0}, {line_.get(), POLLIN, 0}, {process_.get(), POLLIN, 0}};  // -1: none
  if (::poll(watched, std::size(watched), Timeout()) < 0) return;                           // EINTR
  if (watched[0].revents != 0) HandleSignals();
  if (watched[1].revents != 0) Hear();
  if (watched[2].revents != 0) Reap();
  if (stop_by_ != 0 && SteadyMilliseconds() >= stop_by_) EndByForce();
}

int Guardian::Timeout() const {
  if (supervisor_ != 0 && stop_by_ == 0) return -1;
  const int64_t until = supervisor_ == 0 ? next_start_ : stop_by_;
  return static_cast<int>(std::max<int64_t>(0, until - SteadyMilliseconds()));
}

Status Guardian::Fork(const Begin& begin) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return FailErrno(errno, "sockets for the server");
  line_.reset(ends[0]);
  UniqueFd theirs(ends[1]);
  std::fflush(nullptr);
  const pid_t guardian = ::getpid();
  supervisor_ = ::fork();
  if (supervisor_ == 0) RunSupervisor(begin, std::move(theirs), guardian);
  if (supervisor_ < 0) {
    const int error = errno;
    supervisor_ = 0;
    line_.reset();
    return FailErrno(error, "starting the server");
  }
  process_ = io::OpenProcess(supervisor_);
  if (!process_) {  // its end could not be told
    const int error = errno;
    ::kill(supervisor_, SIGKILL);
    while (::waitpid(supervisor_, nullptr, 0) < 0 && errno == EINTR) continue;
    supervisor_ = 0;
    line_.reset();
    return FailErrno(error, "watching the server");
  }
  stage_ = started_ ? Stage::kPastReturn : Stage::kBegins;
  began_ = SteadyMilliseconds();
  stop_by_ = stop_ ? began_ + kResumePatience : 0;
  error_.reset();
  return {};
}

// As long as it can be stopped without a trace, or the manager has another one started, it ends with the
// guardian: two must not come to serve one mount. One that goes on with a mount hears signals by its own
// lights: SIGHUP is nothing to it.
void Guardian::RunSupervisor(const Begin& begin, UniqueFd line, pid_t guardian) noexcept {
  line_.reset();
  process_.reset();
  signals_.reset();
  if (!started_ || manager_ != nullptr) ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != guardian) ::_exit(1);
  if (!started_) ::sigprocmask(SIG_SETMASK, &before_, nullptr);
  GuardianLine keeper(std::move(line), guardian, manager_);
  auto supervisor = begin(std::move(kept_), keeper);
  ::prctl(PR_SET_PDEATHSIG, 0);
  keeper.Tell(supervisor ? json{{GuardianLine::kServes, true}} : ErrorAnswer(supervisor.error()));
  if (!supervisor) ::_exit(1);
  (*supervisor)->Run();
  supervisor->reset();
  ::_exit(0);
}

void Guardian::HandleSignals() {
  signalfd_siginfo signal{};
  while (::read(signals_.get(), &signal, sizeof signal) == static_cast<ssize_t>(sizeof signal)) {
    const bool stop = signal.ssi_signo != SIGHUP;
    if (supervisor_ != 0) ::kill(supervisor_, static_cast<int>(signal.ssi_signo));
    if (stop) stop_ = true;
    if (stop_by_ != 0 || supervisor_ == 0) continue;
    if (stage_ == Stage::kBegins) stop_by_ = SteadyMilliseconds() + kStopPatience;
    if (stage_ == Stage::kPastReturn && stop) stop_by_ = SteadyMilliseconds() + kResumePatience;
  }
  if (stop_ && supervisor_ == 0) UnmountAlone();
}

// Where it cannot be taken away the next supervisor tries, and says why not.
void Guardian::UnmountAlone() {
  over_ = Supervisor::UnmountKept(kept_).has_value();
}

// It may wait for a disk, and cannot end before that answers; but it does nothing more.
void Guardian::EndByForce() {
  ::kill(supervisor_, SIGKILL);
  stop_by_ = 0;
  if (stage_ == Stage::kPastReturn) return UnmountAlone();
  error_ = Error(
      ErrorCode::kInterrupted,
      fmt::format("the server-to-be, process {}, did not stop, and was killed; interrupted", supervisor_));
  over_ = true;
}

// All that it has said.
void Guardian::Hear() {
  pollfd said{line_.get(), POLLIN, 0};
  while (line_ && ::poll(&said, 1, 0) == 1) {
    bool heard = false;
    try {
      auto message = ReceiveMessage(line_.get());
      heard = message && *message;
      if (heard) Note(std::move(**message));
    } catch (const std::bad_alloc&) {
      heard = false;
    }
    if (!heard) line_.reset();  // the end, or what it keeps is not whole any more
  }
}

void Guardian::Note(Message said) {
  const json& words = said.json;
  const auto name = [&](const char* key) {
    const auto found = words.find(key);
    return found != words.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  if (const std::string kept = name(GuardianLine::kKeep); !kept.empty() && said.descriptors.size() == 1) {
    if (manager_ != nullptr) manager_->Keep(kept, said.descriptors.front().get());
    kept_.insert_or_assign(kept, std::move(said.descriptors.front()));
  }
  if (const std::string dropped = name(GuardianLine::kDrop); !dropped.empty()) {
    if (manager_ != nullptr) manager_->Drop(dropped);
    kept_.erase(dropped);
  }
  if (words.contains(GuardianLine::kStopHeard)) stop_ = false;
  if (words.contains(GuardianLine::kConsent)) {
    const bool go = stop_by_ == 0;
    if (go) stage_ = Stage::kPastReturn;
    if (go) started_ = true;
    if (go && past_return_) past_return_();
    static_cast<void>(SendMessage(line_.get(), {{GuardianLine::kConsent, go}}));
  }
  if (words.contains(GuardianLine::kServes)) {
    stage_ = Stage::kServes;
    started_ = true;
    stop_by_ = 0;
    serves_since_ = SteadyMilliseconds();
    if (stop_) ::kill(supervisor_, SIGTERM);
  }
  if (auto answer = ReadAnswer(words); !answer) error_ = answer.error();
}

void Guardian::Reap() {
  Hear();
  int status = 0;
  while (::waitpid(supervisor_, &status, 0) < 0 && errno == EINTR) continue;
  const int64_t now = SteadyMilliseconds();
  const bool served = std::exchange(stage_, Stage::kPastReturn) == Stage::kServes;
  const bool as_it_wished = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  supervisor_ = 0;
  process_.reset();
  line_.reset();
  // Before one has served, an error is for whoever asked for the mount.
  const bool failed = !served && serves_since_ == 0 && (error_ || !started_);
  stop_by_ = 0;
  over_ = as_it_wished || failed || !Supervisor::CanResume(kept_);
  // One that has died of a stop, or before it came to it, had users perhaps, whom the next one serves to the
  // end.
  if (!over_ && stop_ && !served) UnmountAlone();
  if (over_) return;
  next_start_ = served ? restarts_.Died(serves_since_ - began_, now - serves_since_, now)
                       : restarts_.Died(now - began_, 0, now);
  if (stop_ && served) next_start_ = now;
}

}  // namespace veneer::fuse
