#include "fs/core/rebuild.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <tuple>
#include <utility>

#include "fs/catalog/catalog_lock.h"
#include "fs/core/rollback_guard.h"
#include "fs/core/stack_plan.h"
#include "fs/core/withdrawal.h"
#include "fs/layer/layer.h"

namespace veneer::core {
namespace {

constexpr std::chrono::seconds kPatience{30};

struct Found {
  layer::SignedManifest signed_manifest;
  std::string file_name;
};

// Bases first, and then as they were made: the order in which they must have been installed.
bool InstalledBefore(const Found& a, const Found& b) {
  const auto key = [](const Found& found) {
    const format::Manifest& manifest = found.signed_manifest.manifest;
    return std::tie(manifest.kind, manifest.created, manifest.sequence, found.signed_manifest.id);
  };
  return key(a) < key(b);
}

Result<Found> Examine(const std::string& path, const std::string& name, const crypto::TrustStore& trust) {
  VENEER_ASSIGN(const auto file, io::PosixFile::Open(path));
  VENEER_ASSIGN(auto manifest, layer::ReadSignedManifest(*file, trust, crypto::TimeCheck::None()));
  if (name != manifest.id + ".layer") {
    return Fail(ErrorCode::kCorrupt, "{}: is layer {}, which is not its name", path, manifest.id);
  }
  return Found{std::move(manifest), name};
}

Result<std::vector<Found>> FindLayers(const catalog::Store& store, const crypto::TrustStore& trust,
                                      RebuildResult& result) {
  std::vector<Found> layers;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(store.layers_path(), error)) {
    auto found = Examine(entry.path(), entry.path().filename(), trust);
    if (found) {
      layers.push_back(std::move(*found));
    } else {
      result.passed_over.push_back(std::move(found).error());
    }
  }
  if (error) return FailErrno(error.value(), store.layers_path());
  std::sort(layers.begin(), layers.end(), InstalledBefore);
  return layers;
}

// What the old catalog says, as far as that can still be read.
struct Former {
  std::vector<std::string> stack;
  catalog::State state;
  bool earlier = false;  // maybe as it was before the last changes
};

// A log that is damaged inside still tells what was before, and so do the tables: an older stack is more than
// none, and marks only ever rise.
Former ReadFormer(const catalog::Store& store) {
  Former former;
  auto old = store.OpenCatalogForReading();
  if (!old && old.error().code() == ErrorCode::kDamaged) {
    old = catalog::Catalog::OpenForReading(store.catalog_path(), catalog::Logs::kUpToDamage);
    former.earlier = true;
  }
  if (!old) return former;
  if (const auto generation = (*old)->CurrentGeneration(); generation && *generation) {
    former.stack = (*generation)->layers;
  }
  if (auto state = (*old)->ReadState()) former.state = std::move(*state);
  return former;
}

Result<std::vector<std::string>> ChooseStack(const std::vector<Candidate>& candidates, const Former& former,
                                             const PlanFacts& facts, RebuildResult& result) {
  result.stack_kept = !former.stack.empty() &&
                      std::all_of(former.stack.begin(), former.stack.end(), [&](const std::string& id) {
                        return std::any_of(candidates.begin(), candidates.end(),
                                           [&](const Candidate& c) { return c.record.id == id; });
                      });
  result.stack_may_be_older = result.stack_kept && former.earlier;
  if (result.stack_kept) return former.stack;
  auto planned = PlanActivation(candidates, {}, {}, facts);
  if (planned) return std::move(planned->layers);
  if (planned.error().code() == ErrorCode::kNotFound) return std::vector<std::string>();  // no base
  return tl::unexpected<Error>(std::move(planned).error());
}

void Raise(std::map<std::string, uint32_t>& marks, const std::string& component, uint32_t sequence) {
  uint32_t& mark = marks[component];
  mark = std::max(mark, sequence);
}

// Records `layers` and gives them slots; raises the marks of `state` to what they say.
Status AddLayers(const std::vector<Found>& layers, int64_t now, catalog::Catalog& fresh,
                 catalog::Update& update, catalog::State& state, RebuildResult& result) {
  for (const Found& found : layers) {
    const layer::SignedManifest& signed_manifest = found.signed_manifest;
    const format::Manifest& manifest = signed_manifest.manifest;
    VENEER_ASSIGN(const uint16_t slot, fresh.TakeSlot());
    result.layers.push_back({signed_manifest.id, slot, found.file_name, signed_manifest.text, now});
    update.PutLayer(result.layers.back());
    if (manifest.kind != format::LayerKind::kPatch) continue;
    Raise(state.highest_sequence, manifest.component, manifest.sequence);
    if (manifest.security_floor) Raise(state.security_floor, manifest.component, *manifest.security_floor);
  }
  return {};
}

void AddMarks(const catalog::State& state, catalog::Update& update) {
  for (const auto& [component, sequence] : state.highest_sequence) {
    update.SetHighestSequence(component, sequence);
  }
  for (const auto& [component, floor] : state.security_floor) update.SetSecurityFloor(component, floor);
  for (const auto& [layer, time] : state.withdrawn) update.SetWithdrawn(layer, time);
  update.SetLatestTime(state.latest_time);
}

Status Fill(const std::string& path, const catalog::Store& store, const crypto::TrustStore& trust,
            int64_t now, const std::string& by, RebuildResult& result) {
  VENEER_ASSIGN(const auto layers, FindLayers(store, trust, result));
  VENEER_ASSIGN(const auto withdrawals, FindWithdrawals(store, trust, result.passed_over));
  Former former = ReadFormer(store);
  VENEER_TRY(catalog::Catalog::Create(path, store.medium()));
  VENEER_ASSIGN(const auto fresh, catalog::Catalog::OpenForWriting(path, kPatience, {}, store.medium()));
  catalog::Update update;
  VENEER_TRY(AddLayers(layers, now, *fresh, update, former.state, result));
  for (const SignedWithdrawal& found : withdrawals) {
    former.state.withdrawn.try_emplace(found.withdrawal.layer,
                                       static_cast<uint64_t>(std::max<int64_t>(now, 0)));
  }
  AddMarks(former.state, update);
  VENEER_ASSIGN(const uint64_t count, RollbackGuard::TakeOver(trust.policy()));
  if (count != 0) update.SetTpmCount(count);
  const PlanFacts facts{trust.policy().model, former.state.security_floor,
                        WithdrawalReasons(store, former.state, trust)};
  for (const auto& [layer, reason] : facts.withdrawn) result.withdrawn.push_back(layer);
  VENEER_ASSIGN(const auto candidates, CandidatesOf(result.layers));
  VENEER_ASSIGN(const auto stack, ChooseStack(candidates, former, facts, result));
  uint64_t current = 0;
  if (!stack.empty()) {
    VENEER_ASSIGN(current, fresh->NextGeneration());
    result.generation = {current, stack, catalog::EffectiveRoot(stack), "repair-catalog", now};
    update.PutGeneration(*result.generation);
    update.SetCurrent(current);
  }
  update.AddEvent({0, now, "repair-catalog", current, by,
                   fmt::format("{} layers, {} withdrawals", layers.size(), result.withdrawn.size())});
  return fresh->Commit(std::move(update));
}

// Puts the new catalog in the old one's place, which goes out of the way.
Status Replace(const std::string& fresh, const catalog::Store& store, int64_t now, RebuildResult& result) {
  io::Disk& disk = store.disk();
  const std::string place = store.catalog_path();
  struct stat st {};
  if (::lstat(place.c_str(), &st) != 0) {
    VENEER_TRY(disk.Rename(fresh, place));
    return disk.SyncFolder(store.path());
  }
  std::string kept = fmt::format("{}.old-{}", place, now);
  for (int i = 1; ::lstat(kept.c_str(), &st) == 0; ++i) kept = fmt::format("{}.old-{}-{}", place, now, i);
  if (Status exchanged = disk.Exchange(fresh, place); exchanged) {
    VENEER_TRY(disk.Rename(fresh, kept));
  } else if (exchanged.error().code() == ErrorCode::kUnsupported) {
    VENEER_TRY(disk.Rename(place, kept));
    VENEER_TRY(disk.Rename(fresh, place));
  } else {
    return exchanged;
  }
  result.old_catalog = std::move(kept);
  return disk.SyncFolder(store.path());
}

// Keeps out whoever would change the old catalog, or rebuild it too, while the object lives.
struct Exclusion {
  UniqueFd store;
  UniqueFd catalog;  // none where there is no catalog
};

Result<Exclusion> KeepOthersOut(const catalog::Store& store, const std::function<void()>& on_wait) {
  bool told = false;
  const auto tell_once = [&] {
    if (!std::exchange(told, true) && on_wait) on_wait();
  };
  Exclusion exclusion;
  VENEER_ASSIGN(exclusion.store, catalog::HoldStore(store.path(), kPatience, tell_once));
  auto held = catalog::HoldCatalog(store.catalog_path(), kPatience, tell_once);
  if (held) {
    exclusion.catalog = std::move(*held);
  } else if (held.error().code() == ErrorCode::kBusy || held.error().code() == ErrorCode::kInterrupted) {
    return tl::unexpected<Error>(std::move(held).error());
  }
  return exclusion;
}

}  // namespace

Result<RebuildResult> RebuildCatalog(const catalog::Store& store, int64_t now, const std::string& by,
                                     const std::function<void()>& on_wait) {
  VENEER_ASSIGN(const auto trust, store.LoadTrust());
  VENEER_ASSIGN(const Exclusion exclusion, KeepOthersOut(store, on_wait));
  const std::string fresh = store.new_catalog_path();
  VENEER_TRY(store.disk().RemoveTree(fresh));  // what a rebuild that was cut short has left
  RebuildResult result;
  if (Status filled = Fill(fresh, store, *trust, now, by, result); !filled) {
    static_cast<void>(store.disk().RemoveTree(fresh));
    return tl::unexpected<Error>(std::move(filled).error());
  }
  VENEER_TRY(Replace(fresh, store, now, result));
  return result;
}

}  // namespace veneer::core
