// The life of the worker: started, put to work, and replaced when it dies.
#include <sys/wait.h>

#include "fs/fuse/device.h"
#include "fs/fuse/layer_offer.h"
#include "fs/fuse/steady_clock.h"
#include "fs/fuse/supervisor.h"

namespace veneer::fuse {
namespace {

using nlohmann::json;

constexpr size_t kLayersInMessage = 100;

}  // namespace

// Nothing of the worker's own needs to be kept for this: all that a node is follows from its id.
Status Supervisor::StartWorker() {
  worker_started_ = SteadyMilliseconds();
  VENEER_ASSIGN(WorkerProcess worker,
                WorkerProcess::Start(**shared_, setup_, [this] { return MayWaitForWorker(); }));
  VENEER_ASSIGN(serving_, IdOf(worker.pid()));
  Keep();
  Status ready = LoadWorker(worker);
  if (ready && device_) ready = PutInPlace(worker);
  if (!ready) return EndFailed(worker, ready.error());
  if (device_) ++counters().worker_restarts;
  worker_.emplace(std::move(worker));
  return {};
}

// Between two looks at a worker that has not answered yet. It may take long, where a disk hangs.
bool Supervisor::MayWaitForWorker() {
  PanicIfAsked();  // whatever it is asked may have to wait for the request that met the damage
  const bool stop = TakeStopSignals();
  if (!device_) return !stop;  // nothing is mounted yet, or it is another's still
  if (stop) UnmountSelf();
  if (IsUnmounted(device_.get())) return false;
  if (refusing_ && !deaf_) RefuseRequests();
  return true;
}

// A worker ends by itself then. One that hangs, or was stopped, does not.
void Supervisor::EndOfTheMount() {
  constexpr int kPatience = 2000;  // milliseconds
  pollfd ended{worker_->control(), POLLIN, 0};
  ::poll(&ended, 1, kPatience);
  WorkerEnded();
}

// One that came to nothing. Returns what ended it: `error`, if it lived to tell that.
Status Supervisor::EndFailed(WorkerProcess& worker, const Error& error) {
  const bool died = worker.gone();
  const WorkerProcess::Ending ending = worker.End();
  if (ending.unreaped > 0) unreaped_.push_back(ending.unreaped);
  if (device_ && IsUnmounted(device_.get())) {
    Unmounted();
    return Fail(ErrorCode::kNotFound, "{}: is unmounted", options_.target);
  }
  if (!died || worker.silent() || error.code() == ErrorCode::kInterrupted)
    return tl::unexpected<Error>(error);
  return Fail(ErrorCode::kFailed, "{}", ending.cause);
}

// Asks, by `ask`, that the layers in `slots` be added: as many at once as surely fit a message.
Status Supervisor::OfferEach(std::span<const uint16_t> slots, const AskFor& ask) {
  while (!slots.empty()) {
    const auto some = slots.first(std::min(slots.size(), kLayersInMessage));
    slots = slots.subspan(some.size());
    json offers = json::array();
    std::vector<int> files;
    for (const uint16_t slot : some) {
      offers.push_back(ToJson(OfferOf(layers_.at(slot))));
      files.push_back(layers_.at(slot).file->fd());
    }
    VENEER_TRY(ask({{"request", "add"}, {"layers", std::move(offers)}}, files));
  }
  return {};
}

Status Supervisor::LoadWorker(WorkerProcess& worker) {
  std::vector<uint16_t> slots;
  for (const auto& [slot, layer] : layers_) slots.push_back(slot);
  VENEER_TRY(OfferEach(
      slots, [&](const json& request, std::span<const int> files) { return worker.Ask(request, files); }));
  json load = {
      {"request", "load"}, {"open", OpenSlots()}, {"history", HistoryAsJson()}, {"settled", settled_}};
  if (prepared_) load["prepared"] = AsJson(*prepared_);
  VENEER_TRY(worker.Ask(load));
  return {};
}

// What a worker tells of a switch; it may tell anything.
json Supervisor::ReportIn(const json& answer) {
  json report;
  for (const char* key : {"entries", "folders", "longest_wait_us"}) {
    const auto number = answer.find(key);
    report[key] = number != answer.end() && number->is_number_unsigned() ? number->get<uint64_t>() : 0;
  }
  return report;
}

json Supervisor::AsJson(const Shown& shown) {
  return {{"generation", shown.generation}, {"slots", shown.slots}};
}

json Supervisor::HistoryAsJson() const {
  json history = json::array();
  for (const Shown& shown : history_) history.push_back(AsJson(shown));
  return history;
}

// Of what is shown or was, and may be in use.
std::vector<uint16_t> Supervisor::OpenSlots() const {
  std::vector<uint16_t> slots;
  for (const auto& [slot, layer] : layers_) {
    if (!opening_.contains(slot)) slots.push_back(slot);
  }
  return slots;
}

// In the place of one that has ended, whose requests are sent again. Before this one serves: the answers that
// it has in hand would be to others then.
Status Supervisor::PutInPlace(WorkerProcess& worker) {
  VENEER_TRY(SetBlocking(device_.get(), true));  // a supervisor may have died while it refused a request
  SettleCounts();
  VENEER_TRY(ResendRequests(device_.get()));
  return PutToWork(worker);
}

// From here on it serves. A switch that its predecessor was in is done again.
Status Supervisor::PutToWork(WorkerProcess& worker) {
  std::vector<int> descriptors = {device_.get()};
  if (workers_panic_line_) descriptors.push_back(workers_panic_line_.get());
  VENEER_TRY(worker.Ask({{"request", "serve"}, {"init", init_}}, descriptors));
  if (settled_ != history_.back().generation) {
    VENEER_ASSIGN(const json finished, worker.Ask({{"request", "finish"}}));
    finished_switch_ = ReportIn(finished);
    settled_ = history_.back().generation;
  }
  if (prepared_) VENEER_TRY(worker.Ask({{"request", "finish-prepare"}}));
  worker_serves_since_ = SteadyMilliseconds();
  return {};
}

// Of whoever served before and has ended, each at any instant of its work.
void Supervisor::SettleCounts() {
  SharedState& shared = **shared_;
  const auto is_unanswered = [this](uint64_t unique) { return IsUnanswered(device_.get(), unique); };
  for (LookupJournal& journal : std::span(shared.journals).first(setup_.threads))
    journal.Settle(shared.lookup_counts, is_unanswered);
}

// Want of memory is like any other reason for which none can be had.
Status Supervisor::StartWorkerSafely() {
  try {
    return StartWorker();
  } catch (const std::bad_alloc&) {
    return tl::unexpected<Error>(OutOfMemory());
  }
}

// Until one works, or too many have died too fast.
void Supervisor::TryToStartWorker() {
  while (!worker_ && !unmounted_) {
    const Status started = StartWorkerSafely();
    if (started || unmounted_) break;
    ++counters().worker_deaths;
    last_death_ = started.error().message();
    const int64_t now = SteadyMilliseconds();
    next_start_ = restarts_.Died(now - worker_started_, 0, now);
    if (next_start_ > now) return RefuseForNow();
  }
  if (worker_ && std::exchange(refusing_, false))
    Say(kWorkerBack, "a worker serves again", {{"worker", std::to_string(worker_->pid())}});
}

// Something has changed: whatever became of the last ones, the next may do better.
void Supervisor::StartWorkerAtOnce() {
  restarts_.Reset();
  TryToStartWorker();
}

// Nothing is said before what the last one had read comes again.
void Supervisor::RefuseForNow() {
  refusing_ = true;
  deaf_ = false;
  SettleCounts();
  const Status resent = ResendRequests(device_.get());
  Say(kWorkerThrottled,
      fmt::format("no worker can be had, and requests get EIO; the next try is in {:.1f} s: {}",
                  static_cast<double>(next_start_ - SteadyMilliseconds()) / 1000, last_death_),
      {{"cause", last_death_}});
  if (!resent) Say(kProblem, resent.error().message());
}

void Supervisor::WorkerEnded() {
  // One of those that could not end yet has ended by now, most likely.
  std::erase_if(unreaped_, [](pid_t pid) { return ::waitpid(pid, nullptr, WNOHANG) != 0; });
  const std::string pid = std::to_string(worker_->pid());
  const bool silent = worker_->silent();
  WorkerProcess::Ending ending = worker_->End();
  if (silent) ending.cause = fmt::format("silence, and {}", ending.cause);
  HandleReports();
  worker_.reset();
  if (ending.unreaped > 0) unreaped_.push_back(ending.unreaped);
  if (IsUnmounted(device_.get())) return Unmounted();
  ++counters().worker_deaths;
  last_death_ = ending.cause;
  const int64_t now = SteadyMilliseconds();
  next_start_ = restarts_.Died(worker_serves_since_ - worker_started_, now - worker_serves_since_, now);
  // Another one first: there is time to tell of it later.
  const bool at_once = next_start_ <= now;
  if (at_once) TryToStartWorker();
  Say(kWorkerDied,
      fmt::format("the worker, process {}, died of {}{}", pid, ending.cause,
                  worker_ ? "; another takes its place" : ""),
      {{"worker", pid}, {"cause", ending.cause}});
  if (!at_once) RefuseForNow();
}

// Asks until a worker has answered. kBusy where none can be had, where the request kills one after the other,
// or one was silent: the next would be as long.
Result<json> Supervisor::AskWorker(const json& request, std::span<const int> descriptors) {
  bool silent = false;
  for (size_t i = 0; worker_ && !silent && i < RestartPolicy::kMostDeaths; ++i) {
    auto answer = worker_->Ask(request, descriptors);
    if (answer || !worker_->gone()) return answer;
    silent = worker_->silent();
    if (silent && !prepared_) CloseOpening();  // the next one would be as long over them before it serves
    WorkerEnded();
  }
  if (unmounted_) return Fail(ErrorCode::kNotFound, "{}: is unmounted", options_.target);
  return Fail(ErrorCode::kBusy, "{}: its worker keeps dying: {}", options_.target, last_death_);
}

}  // namespace veneer::fuse
