// What clients of the control socket ask for.
#include <unistd.h>

#include <algorithm>

#include "fs/core/stack_check.h"
#include "fs/fuse/layer_offer.h"
#include "fs/fuse/steady_clock.h"
#include "fs/fuse/supervisor.h"

namespace veneer::fuse {
namespace {

using nlohmann::json;

// Former generations are kept for listings that are under way and for folders that departed; this many, and
// no more slots in them than fit a message.
constexpr size_t kMostShown = 256;
constexpr size_t kMostSlots = 8000;

constexpr size_t kMostDescribed = 250;

}  // namespace

// The one it is pinned to, or the current one.
Result<catalog::GenerationRecord> Supervisor::WantedGeneration(const catalog::Catalog& catalog) const {
  if (options_.generation) {
    VENEER_ASSIGN(auto pinned, catalog.Generation(*options_.generation));
    if (pinned) return *std::move(pinned);
    return Fail(ErrorCode::kNotFound, "{}: no generation {}; run: veneer history", store_.path(),
                *options_.generation);
  }
  VENEER_ASSIGN(auto current, catalog.CurrentGeneration());
  if (current) return *std::move(current);
  return Fail(ErrorCode::kNotFound, "{}: no generation is current; run: veneer install BASE --activate",
              store_.path());
}

// What is to be shown; what is open of it stays as it is.
Result<Supervisor::Shown> Supervisor::OpenWanted() {
  VENEER_ASSIGN(const auto catalog, store_.OpenCatalogForReading());
  VENEER_ASSIGN(const catalog::GenerationRecord wanted, WantedGeneration(*catalog));
  VENEER_TRY(CheckNumber(wanted.number, wanted.layers));
  return OpenLayers(*catalog, wanted.number, wanted.layers);
}

// Base first.
std::vector<std::string> Supervisor::LayersOf(const Shown& shown) const {
  std::vector<std::string> ids;
  for (const uint16_t slot : shown.slots) ids.push_back(layers_.at(slot).signed_manifest.id);
  return ids;
}

// A number means one stack for good, here and in the kernel's listings: where a catalog that was made anew
// means another by it, nothing could tell the two apart.
Status Supervisor::CheckNumber(uint64_t number, const std::vector<std::string>& ids) const {
  if (history_.empty() || number != history_.back().generation || LayersOf(history_.back()) == ids) return {};
  return Fail(ErrorCode::kDamaged,
              "{}: shows another generation {} than the one on record; unmount it and mount it again",
              options_.target, number);
}

// Layers that are open stay as they are: their signatures were verified, and their files cannot be another's.
// The record of the generation is not trusted: it could lay the base over its patches.
Result<Supervisor::Shown> Supervisor::OpenLayers(const catalog::Catalog& catalog, uint64_t number,
                                                 const std::vector<std::string>& ids) {
  VENEER_ASSIGN(const auto trust, store_.LoadTrust());
  Shown shown{number, {}};
  std::map<uint16_t, catalog::Store::SealedLayer> opened;
  for (const std::string& id : ids) {
    const auto open = std::find_if(layers_.begin(), layers_.end(),
                                   [&](const auto& layer) { return layer.second.signed_manifest.id == id; });
    if (open != layers_.end()) {
      shown.slots.push_back(open->first);
      continue;
    }
    VENEER_ASSIGN(const auto record, catalog.Layer(id));
    if (!record) {
      return Fail(ErrorCode::kDamaged, "{}: the catalog has no layer {}; run: veneer install FILE",
                  store_.path(), id);
    }
    VENEER_ASSIGN(auto layer, store_.OpenSealed(*record, *trust));
    const uint16_t slot = layer.slot;
    // Node ids are made of slots: two layers in one would be taken for each other.
    if (layers_.contains(slot) || !opened.emplace(slot, std::move(layer)).second) {
      return Fail(ErrorCode::kDamaged, "{}: two layers have slot {}{}", store_.path(), slot,
                  catalog::kRepairCatalog);
    }
    shown.slots.push_back(slot);
  }
  std::vector<const format::Manifest*> manifests;
  for (const uint16_t slot : shown.slots)
    manifests.push_back(&(opened.contains(slot) ? opened : layers_).at(slot).signed_manifest.manifest);
  VENEER_TRY(core::CheckStack(manifests));
  for (const auto& [slot, layer] : opened) opening_.insert(slot);
  layers_.merge(opened);
  return shown;
}

Result<ControlServer::Answer> Supervisor::Answer(ControlServer::ClientId client, const json& request) {
  const std::string what = request.value("request", "");
  if (what == "status") return Describe();
  if (what == "hand-over") return HandOver(client);
  if (what == "let-go" && taking_over_ == client)
    return LetGo().map([](json answer) { return ControlServer::Answer(std::move(answer)); });
  if (what == "prepare") return Prepare(client, request);
  if (what == "release") return Release();
  if (what != "commit" && what != "abort")
    return Fail(ErrorCode::kUsage, "control socket: no such request: {}", what);
  if (preparing_ != client) return Fail(ErrorCode::kUsage, "{}: no switch is prepared", options_.target);
  preparing_ = 0;
  if (what == "commit") return Commit();
  Abort();
  return json::object();
}

Result<json> Supervisor::Prepare(ControlServer::ClientId client, const json& request) {
  if (options_.generation) return Fail(ErrorCode::kUsage, "{}: is pinned to a generation", options_.target);
  if (preparing_ != 0 || taking_over_ != 0)
    return Fail(ErrorCode::kBusy, "{}: another {} is under way; try again", options_.target,
                preparing_ != 0 ? "switch" : "reload");
  const auto number = request.value("generation", uint64_t{0});
  const auto layers = request.value("layers", std::vector<std::string>());
  VENEER_TRY(CheckNumber(number, layers));
  VENEER_ASSIGN(const auto catalog, store_.OpenCatalogForReading());
  VENEER_ASSIGN(Shown shown, OpenLayers(*catalog, number, layers));
  Keep();
  VENEER_ASSIGN(json report, PrepareWorker(std::move(shown)));
  preparing_ = client;
  return report;
}

// Without a worker there is nothing to prepare, and another generation may be what lets one live. But one
// that none survives is refused, and what is shown is served on.
Result<json> Supervisor::PrepareWorker(Shown shown) {
  json report = {{"entries", 0}, {"folders", 0}};
  if (worker_) {
    const auto prepared = OfferLayers(shown).and_then([&] {
      json request = AsJson(shown);
      request["request"] = "prepare";
      return AskWorker(request);
    });
    if (!prepared && !unmounted_) {  // one that is unmounted meanwhile is in nobody's way
      Abort();
      if (!worker_) {
        // What is shown had one: who waits for that gets no error, unless the next one would hang as well.
        deaf_ = SteadyMilliseconds() - worker_started_ < RestartPolicy::kTooLong;
        StartWorkerAtOnce();
      }
      return tl::unexpected<Error>(prepared.error());
    }
    if (prepared) report = ReportIn(*prepared);
  }
  prepared_ = std::move(shown);
  return report;
}

// For a supervisor that was not there when the record changed.
Status Supervisor::FollowRecord() {
  if (options_.generation) return {};
  VENEER_ASSIGN(Shown shown, OpenWanted());
  if (shown.generation == history_.back().generation) return {};
  Keep();
  VENEER_TRY(PrepareWorker(std::move(shown)));
  Commit();
  return {};
}

// A worker that starts meanwhile has them from the start.
Status Supervisor::OfferLayers(const Shown& shown) {
  return OfferEach(shown.slots, [this](const json& request, std::span<const int> files) {
    return AskWorker(request, files);
  });
}

// The instant lies somewhere in here, also if the worker dies of it: from now on only the new generation is
// shown. Where there is no worker, one is tried that has the kernel forget the old one first; if none can
// serve that, the kernel may show some of it for as long as the next worker takes to finish the switch.
json Supervisor::Commit() {
  if (!worker_) StartWorkerAtOnce();
  history_.push_back(*std::exchange(prepared_, std::nullopt));
  opening_.clear();
  ForgetHistory();
  Keep();
  finished_switch_ = {{"entries", 0}, {"folders", 0}, {"longest_wait_us", 0}};
  json report = CommitByWorker();
  const uint64_t pause = report.at("longest_wait_us");
  const uint64_t entries = report.at("entries");
  counters().AddSwitch(pause);
  Keep();
  Say(kSwitched, fmt::format("generation {}, {} entries changed", history_.back().generation, entries),
      {{"entries", std::to_string(entries)}, {"pause_us", std::to_string(pause)}});
  return report;
}

// A worker that could not have the kernel forget all that has changed is of no use: the next one begins by
// that.
json Supervisor::CommitByWorker() {
  if (!worker_) {
    StartWorkerAtOnce();
    return finished_switch_;
  }
  const auto answer = worker_->Ask({{"request", "commit"}});
  if (answer) {
    settled_ = history_.back().generation;
    return ReportIn(*answer);
  }
  if (!worker_->gone()) Say(kProblem, answer.error().message());
  WorkerEnded();
  return finished_switch_;
}

// Of a switch that will not be made: a worker that had to load them could fail by them.
void Supervisor::CloseOpening() {
  for (const uint16_t slot : std::exchange(opening_, {})) layers_.erase(slot);
}

void Supervisor::Abort() {
  prepared_.reset();
  CloseOpening();
  Keep();
  if (!worker_) return;
  const auto answer = worker_->Ask({{"request", "abort"}});
  if (!answer && worker_->gone()) WorkerEnded();  // the next one knows of no switch
}

// A client that goes between prepare and commit leaves it to the record which of the two generations is
// current. Where that cannot be read the old one stays, until the next activate takes the mount along.
void Supervisor::Gone(ControlServer::ClientId client) {
  if (taking_over_ == client) {
    taking_over_ = 0;
    handed_over_.reset();
    Keep();
  }
  if (preparing_ != client) return;
  preparing_ = 0;
  SettleByRecord();
}

void Supervisor::SettleByRecord() {
  const auto recorded =
      store_.OpenCatalogForReading().and_then([&](auto catalog) { return WantedGeneration(*catalog); });
  if (!recorded) Say(kProblem, recorded.error().message());
  if (!recorded || recorded->number != prepared_->generation) return Abort();
  Commit();
}

// The layers of what is forgotten stay open: files of them may be.
void Supervisor::ForgetHistory() {
  size_t slots = 0;
  for (const Shown& shown : history_) slots += shown.slots.size();
  while (history_.size() > 1 && (history_.size() > kMostShown || slots > kMostSlots)) {
    if (history_.front().generation == settled_) break;  // what a worker has to finish from
    slots -= history_.front().slots.size();
    history_.pop_front();
  }
}

Result<json> Supervisor::Release() {
  if (preparing_ != 0) return Fail(ErrorCode::kBusy, "{}: a switch is under way", options_.target);
  VENEER_ASSIGN(const json answer, AskWorker({{"request", "release"}}));
  // Whatever a worker says, what is shown stays.
  const auto has = [](const Shown& shown, uint16_t slot) {
    return std::find(shown.slots.begin(), shown.slots.end(), slot) != shown.slots.end();
  };
  for (const uint16_t slot : answer.at("released")) {
    if (has(history_.back(), slot) || layers_.erase(slot) == 0) continue;
    std::erase_if(history_, [&](const Shown& shown) { return has(shown, slot); });
    verity::ReaderCounters& layer = (*shared_)->layers[slot];
    counters().closed_layers_verified += layer.blocks_verified.exchange(0);
    counters().closed_layers_damaged += layer.failures.exchange(0);
  }
  for (const uint16_t slot : answer.at("idle")) {
    if (has(history_.back(), slot)) continue;
    std::erase_if(history_, [&](const Shown& shown) { return has(shown, slot); });
  }
  Keep();
  json kept = json::array();
  for (const json& layer : answer.at("kept")) {
    const auto& open = layers_.at(layer.at("slot").get<uint16_t>());
    kept.push_back({{"layer", open.signed_manifest.id}, {"nodes", layer.at("nodes")}});
  }
  return json{{"kept", std::move(kept)}};
}

json Supervisor::Describe() const {
  json json = {{"dir", options_.target},
               {"generation", history_.back().generation},
               {"effective_root", ToHex(catalog::EffectiveRoot(LayersOf(history_.back())))},
               {"pinned", options_.generation.has_value()},
               {"device", mounted_},
               {"guardian_pid", keeper_ != nullptr ? keeper_->process() : 0},
               {"supervisor_pid", ::getpid()},
               {"worker_pid", worker_ ? worker_->pid() : 0},
               {"counters", DescribeCounters()},
               {"layers", DescribeLayers()}};
  if (!last_death_.empty()) json["last_death"] = last_death_;
  return json;
}

json Supervisor::DescribeCounters() const {
  const Counters& counts = counters();
  uint64_t failed = 0;
  json failures = json::object();
  for (size_t i = 0; i < kFailureWords.size(); ++i) {
    const uint64_t count = counts.failures[i];
    failures[std::string(kFailureWords[i])] = count;
    failed += count;
  }
  uint64_t verified = counts.closed_layers_verified;
  uint64_t damaged = counts.closed_layers_damaged;
  for (const auto& [slot, layer] : layers_) {
    verified += (*shared_)->layers[slot].blocks_verified;
    damaged += (*shared_)->layers[slot].failures;
  }
  const auto cache = verity::BlockCache::SumOf((*shared_)->cache);
  return {{"lookups", counts.lookups.load()},
          {"attributes", counts.attributes.load()},
          {"listings", counts.listings.load()},
          {"reads", counts.reads.load()},
          {"bytes", counts.bytes.load()},
          {"xattrs", counts.xattrs.load()},
          {"failures", failed},
          {"failures_by_kind", std::move(failures)},
          {"blocks_verified", verified},
          {"blocks_damaged", damaged},
          {"cache_hits", cache.hits},
          {"cache_misses", cache.misses},
          {"cache_bytes", cache.bytes},
          {"switches", counts.switches.load()},
          {"pauses_us", counts.pauses_us.load()},
          {"longest_pause_us", counts.longest_pause_us.load()},
          {"worker_deaths", counts.worker_deaths.load()},
          {"worker_restarts", counts.worker_restarts.load()},
          {"supervisor_restarts", counts.supervisor_restarts.load()},
          {"events_lost", counts.events_lost.load()}};
}

// Those of the generation shown, as many as surely fit a message.
json Supervisor::DescribeLayers() const {
  json list = json::array();
  for (const uint16_t slot : history_.back().slots) {
    if (list.size() == kMostDescribed) break;
    const verity::ReaderCounters& counts = (*shared_)->layers[slot];
    const layer::SignedManifest& layer = layers_.at(slot).signed_manifest;
    list.push_back({{"layer", layer.id},
                    {"component", layer.manifest.component},
                    {"blocks_verified", counts.blocks_verified.load()},
                    {"blocks_damaged", counts.failures.load()}});
  }
  return list;
}

}  // namespace veneer::fuse
