#include "tools/pending.h"

#include "fs/core/stack_plan.h"
#include "fs/core/withdrawal.h"
#include "fs/fuse/activation.h"
#include "fs/io/clock.h"
#include "tools/store_change.h"

namespace veneer::tools {
namespace {

constexpr std::chrono::seconds kPatience{5};
constexpr size_t kCacheBytes = 16 << 20;

// That `generation` may become current now: nothing of it is withdrawn, every signature holds, no conflict.
Status CheckGeneration(const catalog::Store& store, const catalog::Catalog& catalog,
                       const catalog::State& state, const catalog::GenerationRecord& generation) {
  for (const std::string& id : generation.layers) {
    if (id != generation.layers.front() && state.withdrawn.contains(id)) {
      return Fail(ErrorCode::kWithdrawn, "layer {} is withdrawn by its publisher", id);
    }
  }
  VENEER_ASSIGN(const auto trust, store.LoadTrust());
  VENEER_ASSIGN(const auto stack, store.OpenStack(catalog, generation, *trust,
                                                  std::make_shared<verity::BlockCache>(kCacheBytes)));
  return core::CheckPathConflicts(stack);
}

Status Take(const catalog::Store& store, const fuse::Log& log) {
  VENEER_ASSIGN(const auto mounts, fuse::FindLiveMounts(store.identity()));
  for (const fuse::LiveMount& mount : mounts) {
    if (!mount.pinned()) return Fail(ErrorCode::kBusy, "{} shows the current one", mount.dir());
  }
  VENEER_ASSIGN(const auto catalog, store.OpenCatalogForWriting(kPatience));
  VENEER_ASSIGN(const catalog::State state, catalog->ReadState());
  if (state.pending == 0) return {};
  VENEER_ASSIGN(const auto generation, catalog->Generation(state.pending));
  if (!generation) return Fail(ErrorCode::kDamaged, "it is not recorded{}", catalog::kRepairCatalog);
  VENEER_TRY(CheckGeneration(store, *catalog, state, *generation));
  catalog::Update update;
  update.SetCurrent(generation->number);
  update.SetPending(0);
  update.AddEvent({0, io::SystemClock().Now(), "activate", generation->number, ActingUser("mount"),
                   "the generation that waited for this mount"});
  VENEER_TRY(catalog->Commit(std::move(update)));
  log(fuse::Severity::kInfo, fmt::format("{}: generation {}, which waited for this mount, is current",
                                         store.path(), generation->number));
  return {};
}

Result<uint64_t> ReadPending(const catalog::Store& store) {
  VENEER_ASSIGN(const auto catalog, store.OpenCatalogForReading());
  VENEER_ASSIGN(const catalog::State state, catalog->ReadState());
  return state.pending;
}

}  // namespace

void TakePending(const fuse::MountOptions& options, const fuse::Log& log) {
  if (options.generation) return;
  // What cannot be read here the server cannot read either, and says so.
  const auto store = catalog::Store::Open(options.store, options.trust);
  if (!store) return;
  const auto pending = ReadPending(*store);
  if (!pending || *pending == 0) return;
  if (const Status taken = Take(*store, log); !taken) {
    log(fuse::Severity::kWarning, fmt::format("{}: generation {} still waits for a mount: {}", store->path(),
                                              *pending, taken.error().message()));
  }
}

}  // namespace veneer::tools
