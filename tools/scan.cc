#include "fs/scan/scan.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>

#include "fs/base/cancel.h"
#include "fs/catalog/store.h"
#include "fs/core/stack_plan.h"
#include "tools/layer_mender.h"
#include "tools/options.h"
#include "tools/output.h"
#include "tools/progress.h"
#include "tools/text.h"
#include "tools/verbs.h"

namespace veneer::tools {
namespace {

constexpr size_t kCacheBytes = 8 << 20;
constexpr size_t kMostPathsShown = 5;

struct Options {
  std::vector<std::string> layers;
  bool current = false;
  bool repair = false;
};

// A layer that is wanted and not there must not pass for one that was checked.
Status AllKnown(const std::vector<std::string>& ids, const std::vector<core::Candidate>& candidates) {
  for (const std::string& id : ids) {
    const bool known =
        std::any_of(candidates.begin(), candidates.end(),
                    [&](const core::Candidate& candidate) { return candidate.record.id == id; });
    if (!known) {
      return Fail(ErrorCode::kDamaged, "layer {} is not in the catalog{}", id, catalog::kRepairCatalog);
    }
  }
  return {};
}

// Those of `candidates` that are to be scanned.
Result<std::vector<core::Candidate>> ChosenLayers(const Options& options, const catalog::Catalog& catalog,
                                                  std::vector<core::Candidate> candidates) {
  std::vector<std::string> ids;
  for (const std::string& word : options.layers) {
    VENEER_ASSIGN(const core::Candidate* found, core::FindCandidate(candidates, word));
    ids.push_back(found->record.id);
  }
  if (options.current) {
    VENEER_ASSIGN(const auto generation, catalog.CurrentGeneration());
    if (!generation) return Fail(ErrorCode::kNotFound, "no generation is current");
    VENEER_TRY(AllKnown(generation->layers, candidates));
    ids.insert(ids.end(), generation->layers.begin(), generation->layers.end());
  }
  if (options.layers.empty() && !options.current) return candidates;
  std::erase_if(candidates, [&](const core::Candidate& candidate) {
    return std::find(ids.begin(), ids.end(), candidate.record.id) == ids.end();
  });
  return candidates;
}

// Whether the catalog, read anew, still has it. Where it cannot be read, nothing says that it has not.
bool IsInstalled(const core::Candidate& candidate, const catalog::Store& store) {
  const auto catalog = store.OpenCatalogForReading();
  if (!catalog) return true;
  const auto record = (*catalog)->Layer(candidate.record.id);
  return !record || record->has_value();
}

constexpr const char* kMendBlocks = "run: veneer scan --repair";
constexpr const char* kMendLayer = "run: veneer install FILE, with a good copy of the layer";

// What kept blocks from being mended, and what is to be done about it.
struct Obstacle {
  Error reason;
  std::string mend;
};

// `begun`: mending had begun, and so the store can be written to.
Obstacle ObstacleOf(const Error& reason, bool begun) {
  if (reason.code() == ErrorCode::kNoSpace) return {reason, fmt::format("make room, and {}", kMendBlocks)};
  if (reason.code() == ErrorCode::kBusy) return {reason, kMendBlocks};
  if (begun || reason.code() != ErrorCode::kIo) return {reason, kMendLayer};
  return {reason, fmt::format("{}, where the store can be written to", kMendBlocks)};
}

// One run over layers of a store.
class ScanRun {
 public:
  ScanRun(const Options& options, const Globals& globals, Output& output)
      : options_(options), globals_(globals), output_(output) {}

  Status Run();

 private:
  Status ScanLayer(const core::Candidate& candidate, const catalog::Store& store,
                   const crypto::TrustStore& trust);
  // A layer that cannot even be opened: trailer, signature, superblock, or the file itself.
  void AddUnreadable(const core::Candidate& candidate, const Error& error);
  // One that was removed while others were scanned.
  void PassOver(const core::Candidate& candidate);
  void Add(const core::Candidate& candidate, const scan::Repair& repair);
  // Mends a layer that has damage and adds what became of it, or keeps that for MendLeft.
  Status MendAndAdd(const core::Candidate& candidate, scan::LayerScan scanned);
  Result<std::optional<scan::Repair>> Mend(const core::Candidate& candidate);
  // Layers in which damage is left are mended once more where another one was mended since.
  Status MendLeft();
  void AddFinding(const core::Candidate& candidate, const scan::Finding& finding,
                  const std::string* mended_from);
  // That a repair is not in the history, and why; empty where all are.
  std::string Untold() const {
    return unrecorded_ ? "" : fmt::format(", not in the history ({})", unrecorded_.error().message());
  }
  // What is to be said of damage that is left.
  Error DamageLeft(const catalog::Store& store) const;

  std::string NameOf(const std::string& id) const {
    for (const core::Candidate& candidate : all_) {
      if (candidate.record.id == id) return candidate.manifest.name;
    }
    return id;
  }

  const Options& options_;
  const Globals& globals_;
  Output& output_;
  std::vector<core::Candidate> all_;  // layers of the store
  uint64_t layers_ = 0;
  uint64_t blocks_ = 0;
  uint64_t bytes_ = 0;
  uint64_t left_ = 0;                 // blocks that are damaged still
  uint64_t unreadable_ = 0;           // layers that are damaged so that they do not open
  uint64_t mended_ = 0;               // blocks
  std::optional<Obstacle> obstacle_;  // the first
  struct Left {
    const core::Candidate* candidate;
    scan::Repair repair;
    uint64_t repairs;  // that had been made by then
  };
  std::vector<Left> damage_left_;
  uint64_t repairs_ = 0;  // that mended something
  Status unrecorded_;     // what kept a repair from the history, first
  Json findings_ = Json::array();
};

void ScanRun::AddFinding(const core::Candidate& candidate, const scan::Finding& finding,
                         const std::string* mended_from) {
  ++(mended_from != nullptr ? mended_ : left_);
  Json paths = Json::array();
  for (const std::string& path : finding.paths) paths.push_back("/" + ToUtf8(path));
  if (mended_from != nullptr) {
    output_.Line("{}: block {} ({}) was damaged, repaired from {}", candidate.manifest.name, finding.block,
                 finding.kind, NameOf(*mended_from));
  } else {
    output_.Line("{}: block {} ({}) is damaged{}", candidate.manifest.name, finding.block, finding.kind,
                 options_.repair ? ", not repaired" : "");
  }
  for (size_t i = 0; i < finding.paths.size() && i < kMostPathsShown; ++i)
    output_.Line("  /{}", finding.paths[i]);
  if (finding.paths.size() > kMostPathsShown)
    output_.Line("  and {} more", finding.paths.size() - kMostPathsShown);
  for (const format::Advisory& advisory : candidate.manifest.advisories)
    output_.Line("  answers {}", advisory.id);
  Json json = {{"layer", candidate.record.id},
               {"block", finding.block},
               {"paths", std::move(paths)},
               {"kind", finding.kind},
               {"repaired", mended_from != nullptr}};
  if (mended_from != nullptr) json["from"] = *mended_from;
  findings_.push_back(std::move(json));
}

void ScanRun::AddUnreadable(const core::Candidate& candidate, const Error& error) {
  output_.Line("{}: {}", candidate.manifest.name, error.message());
  findings_.push_back({{"layer", candidate.record.id},
                       {"name", candidate.manifest.name},
                       {"block", nullptr},
                       {"paths", Json::array()},
                       {"kind", CodeWord(error.code())},
                       {"message", error.message()},
                       {"repaired", false}});
}

void ScanRun::PassOver(const core::Candidate& candidate) {
  output_.Note("{}: was removed meanwhile", candidate.manifest.name);
}

void ScanRun::Add(const core::Candidate& candidate, const scan::Repair& repair) {
  ++layers_;
  blocks_ += repair.scan.blocks;
  bytes_ += repair.scan.bytes;
  for (const scan::Finding& finding : repair.scan.findings) {
    const auto mended = repair.mended.find(finding.block);
    AddFinding(candidate, finding, mended == repair.mended.end() ? nullptr : &mended->second);
  }
}

// Nothing where the layer was removed meanwhile.
Result<std::optional<scan::Repair>> ScanRun::Mend(const core::Candidate& candidate) {
  auto mended = MendLayer(globals_, candidate.record.id);
  if (!mended) {
    if (!obstacle_) obstacle_ = ObstacleOf(mended.error(), false);
    return tl::unexpected(std::move(mended).error());
  }
  if (!*mended) return std::optional<scan::Repair>();
  auto& [repair, recorded] = **mended;
  if (unrecorded_) unrecorded_ = std::move(recorded);
  if (!repair.mended.empty()) ++repairs_;
  if (!repair.failure && !obstacle_) obstacle_ = ObstacleOf(repair.failure.error(), true);
  return std::optional(std::move(repair));
}

// A stop is an error; what else kept the layer from being mended is kept as the obstacle.
Status ScanRun::MendAndAdd(const core::Candidate& candidate, scan::LayerScan scanned) {
  // Looked at once more by who may change it: nobody is kept waiting while all is well.
  auto repair = Mend(candidate);
  if (!repair) {
    Add(candidate, {std::move(scanned), {}, {}});
    return repair.error().code() == ErrorCode::kInterrupted ? tl::unexpected(repair.error()) : Status();
  }
  if (!*repair) {
    PassOver(candidate);
    return {};
  }
  const Status failure = (*repair)->failure;
  if (failure && !(*repair)->IsWhole()) {
    damage_left_.push_back({&candidate, **std::move(repair), repairs_});
    return {};
  }
  Add(candidate, **repair);
  return !failure && failure.error().code() == ErrorCode::kInterrupted ? failure : Status();
}

// A donor's hash tree says what the donor has: one that was damaged, and comes later in the order, said less.
Status ScanRun::MendLeft() {
  Status stopped = damage_left_.empty() ? Status() : CheckCancel();
  for (size_t round = 0; round < all_.size() && stopped; ++round) {
    for (Left& left : damage_left_) {
      const bool may_help = left.repair.failure && left.repairs != repairs_;
      if (!stopped || !may_help || left.repair.IsWhole()) continue;
      auto again = Mend(*left.candidate);
      if (again && *again) left.repair = Together(std::move(left.repair), **std::move(again));
      const Status outcome = again ? left.repair.failure : again.map([](const auto&) {});
      if (!outcome && outcome.error().code() == ErrorCode::kInterrupted) stopped = outcome;
      left.repairs = repairs_;
    }
  }
  for (const Left& left : damage_left_) Add(*left.candidate, left.repair);
  return stopped;
}

Status ScanRun::ScanLayer(const core::Candidate& candidate, const catalog::Store& store,
                          const crypto::TrustStore& trust) {
  // A cache of its own: what a mount verified before says nothing of the device.
  auto opened = store.OpenReader(candidate.record, trust, std::make_shared<verity::BlockCache>(kCacheBytes));
  if (!opened && !IsInstalled(candidate, store)) {
    PassOver(candidate);
    return {};
  }
  if (!opened) {
    ++layers_;
    AddUnreadable(candidate, opened.error());
    // One that nobody trusts any more is refused, and not damaged.
    if (opened.error().code() != ErrorCode::kDamaged) return tl::unexpected(std::move(opened).error());
    ++unreadable_;
    return {};
  }
  Result<scan::LayerScan> scanned = [&] {
    Progress progress(globals_);
    return scan::ScanReader(opened->reader, progress.Reporter());
  }();
  if (!scanned) return tl::unexpected(std::move(scanned).error());
  if (!scanned->findings.empty() && !IsInstalled(candidate, store)) {
    PassOver(candidate);
    return {};
  }
  if (options_.repair && !scanned->findings.empty()) return MendAndAdd(candidate, *std::move(scanned));
  Add(candidate, {*std::move(scanned), {}, {}});
  return {};
}

Error ScanRun::DamageLeft(const catalog::Store& store) const {
  std::string text =
      fmt::format("{}: damage found in {} places", store.path(), left_ + unreadable_ + mended_);
  if (options_.repair) text += fmt::format(", {} repaired", mended_);
  if (obstacle_) text += fmt::format(" ({})", obstacle_->reason.message());
  text += Untold();
  const std::string mend = left_ == 0        ? kMendLayer
                           : obstacle_       ? obstacle_->mend
                           : options_.repair ? kMendLayer
                                             : kMendBlocks;
  return Error(ErrorCode::kDamaged, fmt::format("{}; {}", text, mend));
}

Status ScanRun::Run() {
  const auto begin = std::chrono::steady_clock::now();
  VENEER_ASSIGN(const catalog::Store store, catalog::Store::Open(globals_.store, globals_.trust));
  VENEER_ASSIGN(const auto trust, store.LoadTrust());
  VENEER_ASSIGN(const auto catalog, store.OpenCatalogForReading());
  VENEER_ASSIGN(const auto records, catalog->Layers());
  VENEER_ASSIGN(all_, core::CandidatesOf(records));
  VENEER_ASSIGN(const auto chosen, ChosenLayers(options_, *catalog, all_));
  // One layer that cannot be looked at keeps no other from it, and no finding from being told.
  Status first;
  for (const core::Candidate& candidate : chosen) {
    Status scanned = ScanLayer(candidate, store, *trust);
    const bool stop = !scanned && scanned.error().code() == ErrorCode::kInterrupted;
    if (!scanned && (first || stop)) first = std::move(scanned);
    if (stop) break;
  }
  if (Status stopped = MendLeft(); !stopped) first = std::move(stopped);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  output_.json() = {{"layers", layers_},       {"blocks", blocks_},   {"bytes", bytes_},
                    {"seconds", took.count()}, {"repaired", mended_}, {"findings", std::move(findings_)}};
  if (!first && first.error().code() == ErrorCode::kInterrupted) {
    if (unrecorded_) return first;
    return Fail(ErrorCode::kInterrupted, "{}; {} repaired{}", first.error().message(), mended_, Untold());
  }
  output_.Note("{} layers, {} in {} blocks checked in {:.1f} s", layers_, SizeText(bytes_), blocks_,
               took.count());
  if (mended_ != 0) output_.Note("{} blocks repaired", mended_);
  if (left_ + unreadable_ != 0) return tl::unexpected(DamageLeft(store));
  if (!unrecorded_) {
    return tl::unexpected(unrecorded_.error().Within("repaired, and the history does not tell of it"));
  }
  if (first && obstacle_) return tl::unexpected(obstacle_->reason);
  if (first && mended_ == 0) output_.Note("no damage");
  return first;
}

}  // namespace

Action AddScan(CLI::App& verb) {
  verb.description("Check every block of every layer against its signed hash");
  auto options = std::make_shared<Options>();
  AddRepeatable(verb, "--layer", options->layers, "Only this layer; repeatable");
  verb.add_flag("--current", options->current, "Only the layers of the current generation");
  verb.add_flag("--repair", options->repair,
                "Mend damaged blocks in place, from equal blocks of any layer of the store");
  return
      [options](const Globals& globals, Output& output) { return ScanRun(*options, globals, output).Run(); };
}

}  // namespace veneer::tools
