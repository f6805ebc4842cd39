// Another supervisor takes the place of this one, under the live mount.
//
// The new one asks "hand-over" and gets the state in a memory file, the device, the shared memory and the
// layers' files. It verifies the layers' signatures by its own lights and has a worker load them; for neither
// does it need the device under a layer, which may have failed. Only then it asks "let-go": the old one
// writes into the memory file that it does, ends its worker, answers, and ends. From there on it is as if the
// worker had died. What is written there decides, for the keepers of both, who goes on where one of them is
// killed.
//
// A keeper has the same things all the time, and hands them to the next supervisor where the old one has
// died.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "fs/base/cancel.h"
#include "fs/fuse/device.h"
#include "fs/fuse/locked_program.h"
#include "fs/fuse/mount_table.h"
#include "fs/fuse/supervisor.h"

namespace veneer::fuse {
namespace {

using nlohmann::json;

constexpr int kStateSchema = 3;
constexpr size_t kFixedDescriptors = 2;  // device and counts; then the layers' files, in their order

// What a keeper has.
constexpr const char* kStateName = "veneer-state";
constexpr const char* kDeviceName = "veneer-device";
constexpr const char* kCountsName = "veneer-counts";
constexpr const char* kHandedOverName = "veneer-handed-over";  // by whom it is kept
constexpr const char* kFormerName = "veneer-former";           // to whom it is kept
std::string LayerName(uint16_t slot) {
  return fmt::format("veneer-layer-{}", slot);
}

json ToJson(const MountOptions& options) {
  return {{"store", options.store},
          {"trust", options.trust},
          {"target", options.target},
          {"generation", options.generation.value_or(0)},  // 0: follows the current one
          {"threads", options.threads},
          {"cache_bytes", options.cache_bytes},
          {"mount_flags", options.mount_flags},
          {"panic_on_corruption", options.panic_on_corruption}};
}

MountOptions OptionsFromJson(const json& words) {
  MountOptions options;
  options.store = words.at("store");
  options.trust = words.at("trust");
  options.target = words.at("target");
  if (words.at("generation") != 0) options.generation = words.at("generation");
  options.threads = words.at("threads");
  options.cache_bytes = words.at("cache_bytes");
  options.mount_flags = words.at("mount_flags");
  options.panic_on_corruption = words.at("panic_on_corruption");
  return options;
}

json ToJson(const ProcessId& process) {
  return {{"pid", process.pid}, {"started", process.started}};
}

ProcessId ProcessIn(const json& state, const char* key) {
  const auto words = state.find(key);
  if (words == state.end()) return {};
  return {words->at("pid"), words->at("started")};
}

constexpr const char* kWorker = "worker";  // what serves, in the state and beside this:
constexpr const char* kLetGo = "let_go";   // in the memory file, in place of the state

// What is written in the memory file that a keeper has as `name`. kNotFound, kFailed, kIo.
Result<json> ReadKeptState(const Supervisor::Kept& kept, const char* name) {
  const auto memory = kept.find(name);
  if (memory == kept.end()) return Fail(ErrorCode::kNotFound, "{}: is not kept", name);
  return KeptState(UniqueFd(::dup(memory->second.get()))).Read();
}

bool HasLetGo(const Result<json>& handed_over) {
  return handed_over && handed_over->value(kLetGo, false);
}

Error StillServed() {
  return Error(ErrorCode::kBusy,
               "its server died while it was taken over, and another goes on with it; try again");
}

// Ends the worker of one who has let go: he may have died before he could.
void EndWorkerOf(const Result<json>& handed_over) {
  if (handed_over) EndStranger(ProcessIn(*handed_over, kWorker));
}

// What another version of this program hands over need not be understood.
Error SpeaksAnother() {
  return Error(ErrorCode::kUnsupported,
               "the mount's server speaks another language; unmount it and mount it again");
}

Status CheckSchema(const json& state) {
  if (state.value("state_schema", 0) == kStateSchema) return {};
  return tl::unexpected<Error>(SpeaksAnother());
}

// It may have told the kernel that it reads larger requests than we do.
Status CheckRequestSize(const json& state) {
  const size_t before_it_was_said = 256 * static_cast<size_t>(::sysconf(_SC_PAGESIZE)) + 4096;
  if (state.value("request_size", before_it_was_said) <= kRequestSize) return {};
  return tl::unexpected<Error>(SpeaksAnother());
}

}  // namespace

Result<ControlServer::Answer> Supervisor::HandOver(ControlServer::ClientId client) {
  if (preparing_ != 0 || taking_over_ != 0)
    return Fail(ErrorCode::kBusy, "{}: a switch or a reload is under way; try again", options_.target);
  if (const std::string command = keeper_ != nullptr ? keeper_->ReplaceCommand() : ""; !command.empty())
    return Fail(ErrorCode::kFailed, "a service manager keeps the mount; run: {}", command);
  if (layers_.size() > kMaxDescriptors - kFixedDescriptors - 1)
    return Fail(ErrorCode::kBusy, "{}: has too many layers open; run: veneer gc", options_.target);
  VENEER_ASSIGN(handed_over_, KeptState::Create());
  VENEER_TRY(handed_over_->Write(StateAsJson()));
  ControlServer::Answer answer = json{{"state_schema", kStateSchema}};
  answer.descriptors = {handed_over_->fd(), device_.get(), shared_->fd()};
  for (const uint16_t slot : OpenSlots()) answer.descriptors.push_back(layers_.at(slot).file->fd());
  taking_over_ = client;
  Keep();
  return answer;
}

// Without what belongs to a switch that is only prepared: the next one begins anew with that.
json Supervisor::StateAsJson() const {
  json layers = json::array();
  for (const uint16_t slot : OpenSlots()) {
    const catalog::Store::SealedLayer& layer = layers_.at(slot);
    layers.push_back({{"slot", slot},
                      {"cms", json::binary(layer.signed_manifest.cms)},
                      {"file", layer.file->name()},
                      {"size", layer.file->size()}});
  }
  return {{"state_schema", kStateSchema}, {"options", ToJson(options_)}, {"init", init_},
          {"mounted", mounted_},          {"settled", settled_},         {"layers", std::move(layers)},
          {"history", HistoryAsJson()},   {"supervisor", ToJson(self_)}, {kWorker, ToJson(serving_)},
          {"request_size", kRequestSize}};
}

// A stop that has come is not lost with this process. The word first: whatever is killed from here on, the
// other one goes on with the mount, and nobody else.
Result<json> Supervisor::LetGo() {
  if (TakeStopSignals()) return Fail(ErrorCode::kBusy, "{}: is told to stop", options_.target);
  VENEER_TRY(handed_over_->Write({{kLetGo, true}, {kWorker, ToJson(serving_)}}));
  if (worker_) {
    static_cast<void>(worker_->End());
    HandleReports();
    worker_.reset();
  }
  unmounted_ = true;  // as far as this process goes
  return json::object();
}

Result<std::unique_ptr<Supervisor>> Supervisor::TakeOver(ControlChannel former, Log log, Keeper* keeper) {
  VENEER_ASSIGN(Message state, former.AskForMessage({{"request", "hand-over"}}));
  VENEER_TRY(CheckSchema(state.json));
  if (state.descriptors.empty()) return Fail(ErrorCode::kFailed, "the mount's server handed nothing over");
  KeptState handed_over(std::move(state.descriptors.front()));
  state.descriptors.erase(state.descriptors.begin());
  VENEER_ASSIGN(state.json, handed_over.Read());
  VENEER_ASSIGN(auto self, Inherit(std::move(state), std::move(log)));
  self->former_ = std::move(handed_over);
  VENEER_TRY(CheckCancel());  // a signal that came before they were blocked
  self->HoldProgram();
  VENEER_TRY(self->AskKeeper(keeper));
  const auto gone = former.Ask({{"request", "let-go"}});
  const auto word = self->former_->Read();
  if (!gone && !HasLetGo(word))  // it may die before it answers
    return tl::unexpected<Error>(former.gone() ? StillServed() : gone.error());
  EndWorkerOf(word);
  if (Status working = self->PutInPlace(*self->worker_); !working) self->WorkerEnded();
  self->former_.reset();
  self->Keep();
  self->Say(kTakenOver, "another process has taken the mount over",
            {{"supervisor", std::to_string(::getpid())}});
  return self;
}

bool Supervisor::CanResume(const Kept& kept) {
  return kept.contains(kStateName) && kept.contains(kCountsName) && kept.contains(kDeviceName) &&
         !IsUnmounted(kept.at(kDeviceName).get()) && !HasLetGo(ReadKeptState(kept, kHandedOverName));
}

bool Supervisor::IsMounted(const Kept& kept) {
  const auto state = ReadKeptState(kept, kStateName);
  const auto table = ReadMountTable();
  if (!state || !table) return true;
  const dev_t mounted = state->value("mounted", dev_t{0});
  return std::any_of(table->begin(), table->end(),
                     [&](const MountEntry& entry) { return entry.device == mounted; });
}

Status Supervisor::UnmountKept(const Kept& kept) {
  if (!CanResume(kept)) return {};
  const auto state = ReadKeptState(kept, kStateName);
  if (!state || !CheckSchema(*state)) return {};
  return UnmountAt(state->at("mounted"), OptionsFromJson(state->at("options")).target);
}

// What a hand-over would bring, with the former supervisor ended: until then it may do more than was kept of
// it, if it is the keeper who died. A layer that it has opened since is where it found it.
Result<Message> Supervisor::ReadKept(const KeptState& kept_state, Kept& kept) {
  Message state;
  VENEER_ASSIGN(state.json, kept_state.Read());
  VENEER_TRY(CheckSchema(state.json));
  EndStranger(ProcessIn(state.json, "supervisor"));
  VENEER_ASSIGN(state.json, kept_state.Read());
  state.descriptors.push_back(std::move(kept.at(kDeviceName)));
  state.descriptors.push_back(std::move(kept.at(kCountsName)));
  for (const json& layer : state.json.at("layers")) {
    if (const auto file = kept.find(LayerName(layer.at("slot"))); file != kept.end()) {
      state.descriptors.push_back(std::move(file->second));
      continue;
    }
    const std::string path = layer.at("file");
    UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!file) return FailErrno(errno, path);
    state.descriptors.push_back(std::move(file));
  }
  return state;
}

Result<std::unique_ptr<Supervisor>> Supervisor::Resume(Kept kept, Keeper& keeper, Log log) {
  const auto former = ReadKeptState(kept, kFormerName);
  if (kept.contains(kFormerName) && !HasLetGo(former)) return tl::unexpected<Error>(StillServed());
  KeptState kept_state(std::move(kept.at(kStateName)));
  VENEER_ASSIGN(Message state, ReadKept(kept_state, kept));
  const ProcessId worker = ProcessIn(state.json, kWorker);
  VENEER_ASSIGN(auto self, Inherit(std::move(state), std::move(log)));
  for (const auto& [name, fd] : kept) self->kept_.insert(name);
  self->HoldProgram();
  self->keeper_ = &keeper;
  self->kept_state_ = std::move(kept_state);
  // Until they have ended they may still answer, and with what is no longer shown.
  EndStranger(worker);
  EndWorkerOf(former);
  self->Keep();
  if (Status working = self->PutInPlace(*self->worker_); !working) self->WorkerEnded();
  ++self->counters().supervisor_restarts;
  self->Say(kResumed, "its server has died; another goes on with it",
            {{"supervisor", std::to_string(::getpid())}});
  if (Status followed = self->FollowRecord(); !followed) self->Say(kProblem, followed.error().message());
  if (CancelRequested()) self->UnmountSelf();  // a signal that came before they were blocked
  return self;
}

// With a worker that has loaded everything, and does not serve yet.
Result<std::unique_ptr<Supervisor>> Supervisor::Inherit(Message state, Log log) {
  if (state.descriptors.size() < kFixedDescriptors)
    return Fail(ErrorCode::kFailed, "{} descriptors are no mount", state.descriptors.size());
  MountOptions options = OptionsFromJson(state.json.at("options"));
  VENEER_ASSIGN(catalog::Store store, catalog::Store::Open(options.store, options.trust));
  std::unique_ptr<Supervisor> self(new Supervisor(std::move(options), std::move(store), std::move(log)));
  VENEER_TRY(self->Listen());
  UniqueFd device = std::move(state.descriptors[0]);
  VENEER_TRY(self->InheritState(std::move(state)));
  VENEER_TRY(self->SetUp());
  self->device_ = std::move(device);
  return self;
}

Status Supervisor::InheritState(Message state) {
  const json& words = state.json;
  VENEER_TRY(CheckRequestSize(words));
  VENEER_ASSIGN(shared_, SharedMemory::Map(std::move(state.descriptors[1]), setup_.threads));
  VENEER_TRY(InheritLayers(words.at("layers"), std::span(state.descriptors).subspan(kFixedDescriptors)));
  init_ = words.at("init").get<Bytes>();
  mounted_ = words.at("mounted");
  settled_ = words.at("settled");
  for (const auto& shown : words.at("history"))
    history_.push_back({shown.at("generation"), shown.at("slots").get<std::vector<uint16_t>>()});
  if (history_.empty()) return Fail(ErrorCode::kUnsupported, "{}: shows no generation", options_.target);
  return {};
}

// The files are those that were open, whatever has become of their names and of the device under them; the
// signatures are verified anew.
Status Supervisor::InheritLayers(const json& layers, std::span<UniqueFd> files) {
  if (files.size() != layers.size())
    return Fail(ErrorCode::kUnsupported, "{}: {} layers with {} files", options_.target, layers.size(),
                files.size());
  VENEER_ASSIGN(const auto trust, store_.LoadTrust());
  for (size_t i = 0; i < files.size(); ++i) {
    std::shared_ptr<const io::PosixFile> file =
        io::PosixFile::FromKnownFd(std::move(files[i]), layers[i].at("file"), layers[i].at("size"));
    const Bytes& cms = layers[i].at("cms").get_binary();
    auto manifest = layer::VerifySignedManifest(cms, *trust, crypto::TimeCheck::None());
    if (!manifest) return tl::unexpected<Error>(manifest.error().Within(file->name()));
    const uint16_t slot = layers[i].at("slot");
    layers_.emplace(slot, catalog::Store::SealedLayer{slot, *std::move(manifest), std::move(file)});
  }
  return {};
}

// While somebody else still serves. From then on no page of the program, of which the worker is a copy, is
// waited for: it may lie on this very mount.
void Supervisor::HoldProgram() {
  LoadProgram();
  if (Status locked = LockProgram(); !locked) Say(kProblem, locked.error().message());
}

// With all that it needs, where there is a mount already: once it has consented it must be able to go on.
Status Supervisor::AskKeeper(Keeper* keeper) {
  if (keeper == nullptr) return {};
  keeper_ = keeper;
  VENEER_ASSIGN(kept_state_, KeptState::Create());
  Keep();
  return keeper->Consent();
}

void Supervisor::KeeperGone() {
  const pid_t keeper = keeper_->process();
  keeper_->Lose();
  if (unmounted_) return;
  const std::string command = keeper_->ReplaceCommand();
  Say(kProblem,
      fmt::format("its guardian, process {}, has gone: if this server dies too, the mount is dead{}", keeper,
                  command.empty() ? "; run: veneer --store " + store_.path() + " reload " + options_.target
                                  : ", unless the service manager starts another"));
}

// New descriptors first, then the state that names them, and only then those go that it names no more: a kill
// in between leaves a state with all that it needs.
void Supervisor::Keep() {
  if (keeper_ == nullptr || !device_) return;
  std::set<std::string> wanted;
  const auto keep = [&](const std::string& name, int fd) {
    wanted.insert(name);
    if (kept_.insert(name).second) keeper_->Keep(name, fd);
  };
  keep(kDeviceName, device_.get());
  keep(kCountsName, shared_->fd());
  if (handed_over_) keep(kHandedOverName, handed_over_->fd());
  if (former_) keep(kFormerName, former_->fd());
  for (const auto& [slot, layer] : layers_) keep(LayerName(slot), layer.file->fd());
  if (Status written = kept_state_->Write(StateAsJson()); !written) Say(kProblem, written.error().message());
  keep(kStateName, kept_state_->fd());
  std::erase_if(kept_, [&](const std::string& name) {
    if (wanted.contains(name)) return false;
    keeper_->Drop(name);
    return true;
  });
}

}  // namespace veneer::fuse
