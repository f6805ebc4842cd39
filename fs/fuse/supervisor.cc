#include "fs/fuse/supervisor.h"

#include <fcntl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <new>

#include "fs/base/cancel.h"
#include "fs/catalog/event_spool.h"
#include "fs/fuse/device.h"
#include "fs/fuse/message.h"
#include "fs/fuse/mount_table.h"
#include "fs/fuse/steady_clock.h"
#include "fs/fuse/stop_signals.h"
#include "fs/io/clock.h"

namespace veneer::fuse {
namespace {

// What a worker may have beside its cache, in bytes: far more than it needs, and far less than would hurt.
constexpr uint64_t kWorkerMemory = 256 << 20;
constexpr uint64_t kThreadMemory = 16 << 20;  // stack and buffers

constexpr int kReportsAtOnce = 256;

constexpr int kWithoutMemory = 50;  // milliseconds, until there may be some

Result<UniqueFd> CatchSignals() {
  const sigset_t signals = StopSignals();
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);  // whoever read the log may go
  UniqueFd fd(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) return FailErrno(errno, "signalfd");
  return fd;
}

// The device that is seen at `target`; 0 if nothing is mounted there.
dev_t DeviceAt(const std::string& target) {
  dev_t device = 0;
  if (const auto table = ReadMountTable()) {
    for (const MountEntry& entry : *table) {
      if (entry.target == target) device = entry.device;  // the last one is on top
    }
  }
  return device;
}

// Where `device` is mounted: at `target`, or wherever that was moved; "" if it is not mounted any more. kBusy
// where something else is mounted over it: no path leads to it.
Result<std::string> FindPlace(dev_t device, const std::string& target) {
  VENEER_ASSIGN(const auto table, ReadMountTable());
  std::string place;
  for (const MountEntry& entry : table) {
    if (entry.device == device && place != target) place = entry.target;
  }
  if (!place.empty() && DeviceAt(place) != device) {
    return Fail(ErrorCode::kBusy,
                "told to stop, but something is mounted over it; unmount that, then run: veneer umount {}",
                place);
  }
  return place;
}

}  // namespace

Supervisor::Supervisor(MountOptions options, catalog::Store store, Log log)
    : options_(std::move(options)), store_(std::move(store)), log_(std::move(log)) {
  setup_.threads = std::clamp(options_.threads, 2U, kMaxThreads);
}

Supervisor::~Supervisor() = default;

// The control socket listens before the record is read: a switch whose record comes after that finds the
// mount, and takes it along.
Result<std::unique_ptr<Supervisor>> Supervisor::Start(MountOptions options, Log log, Keeper* keeper) {
  VENEER_ASSIGN(catalog::Store store, catalog::Store::Open(options.store, options.trust));
  std::unique_ptr<Supervisor> self(new Supervisor(std::move(options), std::move(store), std::move(log)));
  VENEER_TRY(self->Listen());
  VENEER_TRY(CheckCancel());  // a signal that came before they were blocked
  VENEER_ASSIGN(self->shared_, SharedMemory::Create(self->setup_.threads));
  VENEER_ASSIGN(Shown shown, self->OpenWanted());
  self->settled_ = shown.generation;
  self->history_.push_back(std::move(shown));
  self->opening_.clear();
  VENEER_TRY(self->SetUp());
  self->HoldProgram();
  VENEER_TRY(self->AskKeeper(keeper));
  VENEER_TRY(self->Mount());
  return self;
}

Status Supervisor::Listen() {
  VENEER_ASSIGN(signals_, CatchSignals());
  VENEER_ASSIGN(control_, ControlServer::ListenInFolder(ControlFolder(store_.identity()),
                                                        fmt::format("{}.sock", ::getpid())));
  control_->SetHandlers({[this](auto client, const auto& request) { return Answer(client, request); },
                         [this](auto client) { Gone(client); }});
  return {};
}

Status Supervisor::SetUp() {
  VENEER_ASSIGN(self_, IdOf(::getpid()));
  setup_.sandbox = WorkerUser();
  setup_.cache_bytes = options_.cache_bytes;
  setup_.sandbox.memory = kWorkerMemory + setup_.threads * kThreadMemory + setup_.cache_bytes;
  VENEER_TRY(PreparePanic());
  return StartWorker();  // finds out that the layers can be served
}

// Whatever comes in between, want of memory too, no mount is left that nobody serves.
Status Supervisor::Mount() {
  VENEER_ASSIGN(device_, MountFuse(store_.path(), options_.target, options_.mount_flags));
  Status begun;
  try {
    begun = BeginToServe();
  } catch (const std::bad_alloc&) {
    begun = tl::unexpected<Error>(OutOfMemory());
  }
  if (!begun) static_cast<void>(Unmount(options_.target, true));
  return begun;
}

Status Supervisor::BeginToServe() {
  mounted_ = DeviceAt(options_.target);
  VENEER_ASSIGN(init_, ReadInit(device_.get()));
  VENEER_TRY(PutToWork(*worker_));
  Keep();
  Say(kMounted, "mounted", {{"worker", std::to_string(worker_->pid())}});
  return {};
}

// Where memory is out the mount goes on: what is not answered for that is asked again, and a worker that
// could not be begun is tried again.
void Supervisor::Run() {
  while (!unmounted_) {
    try {
      RunOnce();
    } catch (const std::bad_alloc&) {
      ::poll(nullptr, 0, kWithoutMemory);
    }
  }
}

void Supervisor::RunOnce() {
  GoOn();
  if (!worker_ && SteadyMilliseconds() >= next_start_) TryToStartWorker();
  std::vector<pollfd> watched = {{signals_.get(), POLLIN, 0}};
  if (panic_line_) watched.push_back({panic_line_.get(), POLLIN, 0});
  control_->Watch(watched);
  if (keeper_ != nullptr) watched.push_back({keeper_->line(), POLLIN, 0});
  int timeout = -1;
  if (worker_) {
    watched.push_back({worker_->control(), POLLIN, 0});
    watched.push_back({worker_->report(), POLLIN, 0});
    watched.push_back({device_.get(), 0, 0});  // its end alone
  } else {
    if (!deaf_) watched.push_back({device_.get(), POLLIN, 0});
    timeout = static_cast<int>(std::max<int64_t>(0, next_start_ - SteadyMilliseconds()));
  }
  if (::poll(watched.data(), watched.size(), timeout) < 0) return;  // EINTR
  if (IsReady(watched, signals_.get()) && TakeStopSignals()) UnmountSelf();
  PanicIfAsked();
  HearWorker(watched);
  if (worker_ && IsReady(watched, device_.get())) EndOfTheMount();
  if (!worker_ && !unmounted_ && !deaf_) RefuseRequests();
  if (keeper_ != nullptr && IsReady(watched, keeper_->line())) KeeperGone();
  control_->Handle(watched);
}

// With what want of memory has left undone.
void Supervisor::GoOn() {
  if (stop_asked_) UnmountSelf();
  if (prepared_ && preparing_ == 0) SettleByRecord();
  if (worker_ && settled_ != history_.back().generation) WorkerEnded();  // the next one finishes the switch
}

// Once: the descriptors of a successor may have the numbers of those that were ready.
void Supervisor::HearWorker(std::span<const pollfd> watched) {
  if (!worker_) return;
  bool ended = IsReady(watched, worker_->control());
  if (IsReady(watched, worker_->report()) && !HandleReports()) {
    worker_->ExpectEnd();
    ended = true;
  }
  if (ended) WorkerEnded();
}

// Whether one came. SIGHUP is for those who reread a configuration: there is none.
bool Supervisor::TakeStopSignals() {
  bool stop = false;
  signalfd_siginfo signal{};
  while (::read(signals_.get(), &signal, sizeof signal) == static_cast<ssize_t>(sizeof signal))
    stop = stop || signal.ssi_signo != SIGHUP;
  stop_asked_ = stop_asked_ || stop;
  return stop;
}

// The mount then ends by itself. One that is detached already is left to end with its users; where it has
// ended, what has its place or its number is another's.
void Supervisor::UnmountSelf() {
  Status unmounted;
  if (!IsUnmounted(device_.get())) unmounted = UnmountAt(mounted_, options_.target);
  stop_asked_ = false;
  if (!unmounted) Say(kProblem, unmounted.error().message());
  if (keeper_ != nullptr) keeper_->StopHeard();
}

Status Supervisor::UnmountAt(dev_t mounted, const std::string& target) {
  VENEER_ASSIGN(const std::string place, FindPlace(mounted, target));
  if (place.empty()) return {};
  Status unmounted = Unmount(place, false);
  if (!unmounted) unmounted = Unmount(place, true);
  return unmounted;
}

// What the worker has told so far, also where it has died meanwhile; about as much at once as its
// socket holds, so that one that never stops telling holds nobody up. False at its end.
bool Supervisor::HandleReports() {
  pollfd told{worker_->report(), POLLIN, 0};
  for (int i = 0; i<kReportsAtOnce&& ::poll(&told, 1, 0)> 0; ++i) {
    if (!HandleReport()) return false;
  }
  return true;
}

// False at the end.
bool Supervisor::HandleReport() {
  const auto report = ReceiveMessage(worker_->report());
  if (!report || !*report) return false;
  const nlohmann::json& json = (*report)->json;
  // It parses what nobody vouches for: what it says may be anything.
  const auto text = [&](const char* key) {
    const auto found = json.find(key);
    return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  const std::string path = text("path");
  const std::string layer = text("layer_name");
  const std::string code = text("code");
  const bool corrupt = FailureKindOf(CodeOfWord(code)) == FailureKind::kCorrupt;
  Say(corrupt ? kCorruption : kReadError,
      fmt::format("{}{}{}: {}; run: veneer --store {} scan", path, layer.empty() ? "" : " of ", layer,
                  text("message"), store_.path()),
      {{"path", path}, {"layer", text("layer")}, {"layer_name", layer}, {"error", code}});
  return true;
}

// While no worker can be had: an error is better than waiting for ever.
void Supervisor::RefuseRequests() {
  const auto served = RefuseOneRequest(device_.get(), (*shared_)->lookup_counts);
  deaf_ = !served;
  if (deaf_) Say(kProblem, served.error().message());
  if (served && *served == Refusal::kGone) Unmounted();
  if (served && *served == Refusal::kRefused) counters().AddFailure(FailureKind::kNoWorker);
}

void Supervisor::Unmounted() {
  unmounted_ = true;
  Say(kUnmounted, "unmounted");
}

// The one place where something is told: to the log, and to the history where it belongs there.
void Supervisor::Say(const Kind& kind, const std::string& text, Fields fields) {
  const uint64_t generation = history_.empty() ? 0 : history_.back().generation;
  fields.insert(
      fields.begin(),
      {{"mount", options_.target}, {"store", store_.path()}, {"generation", std::to_string(generation)}});
  std::erase_if(fields, [](const auto& field) { return field.second.empty(); });
  const Happening happening{kind, options_.target + ": " + text, std::move(fields)};
  log_(happening);
  if (kind.recorded) Record(happening);
}

// The catalog is for commands to write: see docs/adr/0005-events-through-a-spool.md.
void Supervisor::Record(const Happening& happening) {
  const Status added =
      catalog::EventSpool(store_.path())
          .Add({0, io::SystemClock().Now(), std::string(happening.kind.word), history_.back().generation,
                fmt::format("mount process {}", ::getpid()), happening.text});
  if (!added) ++counters().events_lost;
  if (!added && !std::exchange(lost_events_, true))
    Say(kProblem, fmt::format("events are missing in the history from here on: {}", added.error().message()));
}

}  // namespace veneer::fuse
