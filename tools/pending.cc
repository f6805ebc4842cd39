#include "tools/pending.h"

#include <algorithm>

#include "fs/catalog/ballast.h"
#include "fs/core/policy.h"
#include "fs/core/withdrawal.h"
#include "fs/fuse/activation.h"
#include "fs/io/clock.h"
#include "tools/hint.h"
#include "tools/store_change.h"

namespace veneer::tools {
namespace {

constexpr std::chrono::seconds kPatience{5};
// A floor that was raised since binds what was activated; a revert is the owner's own way back.
Status CheckFloors(const StackView& stack, const std::vector<std::string>& current,
                   const core::PlanFacts& facts) {
  for (const auto& layer : stack.layers) {
    const format::Manifest& manifest = layer->manifest();
    const bool stays = std::find(current.begin(), current.end(), layer->id()) != current.end();
    if (stays || manifest.kind == format::LayerKind::kBase) continue;
    VENEER_TRY(core::FirstRefusal({core::JudgeFloor(manifest, facts.security_floor)}, manifest.name));
  }
  return {};
}

// That `generation` may become current now, whatever was taken in since it was made.
Status CheckGeneration(const StoreChange& change, const catalog::GenerationRecord& generation) {
  VENEER_ASSIGN(const auto current, change.CurrentLayers());
  VENEER_ASSIGN(const core::PlanFacts facts, change.Facts());
  VENEER_TRY(core::RefuseWithdrawn(generation.layers, current, facts.withdrawn));
  VENEER_ASSIGN(const StackView stack, OpenSoundStack(change, generation.layers, generation.number));
  return generation.reason == "revert" ? Status() : CheckFloors(stack, current, facts);
}

Status Take(const catalog::Store& store, const fuse::Log& log) {
  VENEER_ASSIGN(const auto mounts, fuse::FindLiveMounts(store.identity()));
  for (const fuse::LiveMount& mount : mounts) {
    if (!mount.pinned()) return Fail(ErrorCode::kBusy, "{} shows the current one", mount.dir());
  }
  catalog::GiveUpBallast(store);
  VENEER_ASSIGN(auto catalog, store.OpenCatalogForWriting(kPatience));
  VENEER_ASSIGN(auto trust, store.LoadTrust());
  const StoreChange change{{store, std::move(catalog), std::move(trust)}};
  VENEER_ASSIGN(const catalog::State state, change.catalog->ReadState());
  if (state.pending == 0) return {};
  VENEER_ASSIGN(const auto generation, change.catalog->Generation(state.pending));
  if (!generation) return Fail(ErrorCode::kDamaged, "it is not recorded{}", catalog::kRepairCatalog);
  VENEER_TRY(CheckGeneration(change, *generation));
  catalog::Update update;
  update.SetCurrent(generation->number);
  update.SetPending(0);
  update.AddEvent({0, io::SystemClock().Now(), "activate", generation->number, ActingUser("mount"),
                   "the generation that waited for this mount"});
  VENEER_TRY(change.catalog->Commit(std::move(update)));
  log({fuse::kPendingTaken,
       fmt::format("{}: generation {}, which waited for this mount, is current", store.path(),
                   generation->number),
       {{"store", store.path()}, {"generation", std::to_string(generation->number)}}});
  return {};
}

Result<uint64_t> ReadPending(const catalog::Store& store) {
  VENEER_ASSIGN(const auto catalog, store.OpenCatalogForReading());
  VENEER_ASSIGN(const catalog::State state, catalog->ReadState());
  return state.pending;
}

}  // namespace

void DropPending(uint64_t pending, catalog::Update& update) {
  update.SetPending(0);
  update.DropGeneration(pending);
}

void TakePending(const fuse::MountOptions& options, const catalog::Medium& medium, const fuse::Log& log) {
  if (options.generation) return;
  // What cannot be read here the server cannot read either, and says so.
  const auto store = catalog::Store::Open(options.store, options.trust, medium);
  if (!store) return;
  const auto pending = ReadPending(*store);
  if (!pending || *pending == 0) return;
  if (const Status taken = Take(*store, log); !taken) {
    log({fuse::kPendingRefused,
         fmt::format("{}: generation {} still waits for a mount: {}", store->path(), *pending,
                     taken.error().message()),
         {{"store", store->path()}, {"generation", std::to_string(*pending)}}});
  }
}

}  // namespace veneer::tools
