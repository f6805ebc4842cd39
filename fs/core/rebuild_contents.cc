#include "fs/core/rebuild_contents.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "fs/core/catalog_places.h"
#include "fs/core/former_stack.h"
#include "fs/core/signed_layers.h"
#include "fs/core/stack_check.h"
#include "fs/core/withdrawal.h"

namespace veneer::core {
namespace {

using catalog::GenerationRecord;
using catalog::Remains;

constexpr uint64_t kSlots = 65535;
constexpr uint64_t kMostGenerations = uint64_t{1} << 62;  // beyond, a damaged record counts

// What the old catalog says, as far as it can still be read.
Result<Remains> ReadFormer(const catalog::Store& store) {
  std::string path = store.catalog_path();
  auto remains = catalog::ReadRemains(path);
  const bool gone = !remains && remains.error().code() == ErrorCode::kNotFound;
  if (gone) {
    VENEER_ASSIGN(const auto newest, NewestFormerCatalog(store));
    if (!newest) return Remains();
    path = *newest;
    remains = catalog::ReadRemains(path);
    // It was replaced for a reason; what was current then is nobody's word for what was current now.
    if (remains) {
      remains->state.current = remains->state.pending = remains->state.last_good = 0;
      remains->older = true;
      remains->current_known = true;
    }
  }
  if (!remains) {
    return Fail(remains.error().code(), "{}; try again, or move {} away to go on without what it says",
                remains.error().message(), path);
  }
  if (remains->next_generation > kMostGenerations) {
    remains->generations.clear();
    remains->next_generation = 1;
  }
  return remains;
}

// As the old catalog has them, and on from there. From 1 where they would not do: nothing is mounted that
// knows the old ones.
std::map<std::string, uint16_t> GiveSlots(const std::vector<FoundLayer>& layers, Remains& former) {
  const auto is_new = [&](const FoundLayer& it) { return !former.slots.contains(it.signed_manifest.id); };
  const auto added = static_cast<uint64_t>(std::ranges::count_if(layers, is_new));
  if (former.next_slot + added > kSlots + 1) {
    former.next_slot = 1;
    former.slots.clear();
  }
  std::map<std::string, uint16_t> slots;
  std::set<uint16_t> given;
  for (const FoundLayer& found : layers) {
    const std::string& id = found.signed_manifest.id;
    const auto old = former.slots.find(id);
    const bool keep = old != former.slots.end() && given.insert(old->second).second;
    slots[id] = keep ? old->second : static_cast<uint16_t>(former.next_slot++);
  }
  return slots;
}

void Raise(std::map<std::string, uint32_t>& marks, const std::string& component, uint32_t sequence) {
  uint32_t& mark = marks[component];
  mark = std::max(mark, sequence);
}

// The records of `layers`, by slot; raises the marks of `state` to what they say.
std::vector<catalog::LayerRecord> RecordsOf(const std::vector<FoundLayer>& layers, int64_t now,
                                            Remains& former) {
  std::vector<catalog::LayerRecord> records;
  const auto slots = GiveSlots(layers, former);
  for (const FoundLayer& found : layers) {
    const layer::SignedManifest& signed_manifest = found.signed_manifest;
    const format::Manifest& manifest = signed_manifest.manifest;
    const uint16_t slot = slots.at(signed_manifest.id);
    records.push_back({signed_manifest.id, slot, found.file_name, signed_manifest.text, now});
    if (manifest.kind != format::LayerKind::kPatch) continue;
    Raise(former.state.highest_sequence, manifest.component, manifest.sequence);
    if (manifest.security_floor) {
      Raise(former.state.security_floor, manifest.component, *manifest.security_floor);
    }
  }
  std::ranges::sort(records, {}, &catalog::LayerRecord::slot);
  return records;
}

bool IsStackOf(const std::vector<Candidate>& candidates, const std::vector<std::string>& ids) {
  std::vector<const format::Manifest*> manifests;
  for (const std::string& id : ids) {
    const auto found = std::ranges::find(candidates, id, [](const Candidate& it) { return it.record.id; });
    if (found == candidates.end()) return false;
    manifests.push_back(&found->manifest);
  }
  return CheckStack(manifests).has_value();
}

// The record of the generation that was current. Where nobody knows which that was, the newest: a switch
// makes a new one, so it is that, or one of the last.
const GenerationRecord* CurrentOf(const Remains& former) {
  if (!former.current_known) {
    const auto newest =
        std::ranges::find_if(former.generations.rbegin(), former.generations.rend(),
                             [&](const auto& it) { return it.number != former.state.pending; });
    return newest == former.generations.rend() ? nullptr : &*newest;
  }
  const auto current = std::ranges::find(former.generations, former.state.current, &GenerationRecord::number);
  return current == former.generations.end() ? nullptr : &*current;
}

// Drops a mark on a generation that `keeps` does not keep, and says so.
template <typename Keeps>
void KeepIf(const Keeps& keeps, uint64_t& generation, const char* what, RebuildResult& result) {
  if (generation == 0 || keeps(generation)) return;
  result.lost.emplace_back(ErrorCode::kDamaged,
                           fmt::format("generation {}, {}: its layers are not all there, or it was planned "
                                       "from another stack",
                                       std::exchange(generation, 0), what));
}

// Why each layer of the former stack that is missing is.
void TellMissing(const catalog::Store& store, const std::vector<std::string>& missing,
                 const std::map<std::string, Error>& passed_over, RebuildResult& result) {
  for (const std::string& id : missing) {
    const std::string name = id + ".layer";
    const auto found = passed_over.find(name);
    Error cause = found != passed_over.end()
                      ? found->second
                      : Error(ErrorCode::kDamaged, store.LayerPath(name) + ": is gone");
    const ErrorCode code = cause.code() == ErrorCode::kCorrupt || cause.code() == ErrorCode::kNotFound
                               ? ErrorCode::kDamaged
                               : cause.code();
    result.missing.emplace_back(code, fmt::format("{}; the current stack is without it; run: veneer install "
                                                  "FILE, with a good copy of the layer",
                                                  cause.message()));
  }
}

// Which generations there are from here on, and which of them is current, pending and last good.
void AddGenerations(const std::vector<Candidate>& candidates, Remains& former, const ChosenStack& chosen,
                    int64_t now, catalog::Update& update, RebuildResult& result) {
  const GenerationRecord* was = CurrentOf(former);
  std::set<uint64_t> kept;
  for (const GenerationRecord& generation : former.generations) {
    if (!IsStackOf(candidates, generation.layers)) continue;
    kept.insert(generation.number);
    update.PutGeneration(generation);
  }
  if (chosen.kept && kept.contains(was->number)) {
    result.generation = *was;
  } else if (!chosen.layers.empty()) {
    result.generation = {former.next_generation++, chosen.layers, catalog::EffectiveRoot(chosen.layers),
                         "repair-catalog", now};
    update.PutGeneration(*result.generation);
  }
  catalog::State& state = result.state;
  state.current = result.generation ? result.generation->number : 0;
  KeepIf([&](uint64_t it) { return chosen.kept && kept.contains(it); }, state.pending,
         "which waited for the next mount", result);
  KeepIf([&](uint64_t it) { return kept.contains(it); }, state.last_good, "the last good one", result);
  update.SetCurrent(state.current);
  update.SetPending(state.pending);
  update.SetLastGood(state.last_good);
  kept.erase(state.current);
  result.generations.assign(kept.begin(), kept.end());
}

// Decides which stack is current, and says how it came about.
Result<ChosenStack> Choose(const std::vector<Candidate>& candidates, const Remains& former,
                           const PlanFacts& facts, RebuildResult& result) {
  FormerStack stack;
  stack.certain = former.current_known && !former.older;
  if (const GenerationRecord* was = CurrentOf(former)) {
    stack.layers = was->layers;
    stack.reverted = was->reason == "revert";
  }
  VENEER_ASSIGN(ChosenStack chosen, ChooseStack(candidates, stack, facts));
  result.stack_kept = chosen.kept;
  result.stack_from_old = chosen.from_former;
  result.stack_may_be_older = chosen.from_former && !stack.certain;
  for (const LeftOut& left_out : chosen.left_out) result.left_out.push_back(left_out.why);
  return chosen;
}

void AddMarks(const catalog::State& state, catalog::Update& update) {
  for (const auto& [component, sequence] : state.highest_sequence) {
    update.SetHighestSequence(component, sequence);
  }
  for (const auto& [component, floor] : state.security_floor) update.SetSecurityFloor(component, floor);
  for (const auto& [layer, time] : state.withdrawn) update.SetWithdrawn(layer, time);
  update.SetLatestTime(state.latest_time);
}

}  // namespace

Result<RebuildContents> ComposeCatalog(const catalog::Store& store, const crypto::TrustStore& trust,
                                       int64_t now, const std::string& by, RebuildResult& result) {
  VENEER_ASSIGN(auto found, FindSignedLayers(store, trust));
  for (const auto& [name, error] : found.passed_over) result.passed_over.push_back(error);
  VENEER_ASSIGN(const auto withdrawals, FindWithdrawals(store, trust, result.passed_over));
  VENEER_ASSIGN(Remains former, ReadFormer(store));
  result.lost = former.lost;
  result.layers = RecordsOf(found.layers, now, former);
  for (const SignedWithdrawal& withdrawal : withdrawals) {
    former.state.withdrawn.try_emplace(withdrawal.withdrawal.layer,
                                       static_cast<uint64_t>(std::max<int64_t>(now, 0)));
  }
  result.state = former.state;
  const PlanFacts facts{trust.policy().model, former.state.security_floor,
                        WithdrawalReasons(store, former.state, trust)};
  for (const auto& [layer, reason] : facts.withdrawn) result.withdrawn.push_back(layer);
  VENEER_ASSIGN(const auto candidates, CandidatesOf(result.layers));
  VENEER_ASSIGN(const ChosenStack chosen, Choose(candidates, former, facts, result));
  TellMissing(store, chosen.missing, found.passed_over, result);
  catalog::Update update;
  for (const catalog::LayerRecord& record : result.layers) update.PutLayer(record);
  AddGenerations(candidates, former, chosen, now, update, result);
  AddMarks(result.state, update);
  update.AddEvent({0, now, "repair-catalog", result.state.current, by,
                   fmt::format("{} layers, {} withdrawals", result.layers.size(), result.withdrawn.size())});
  return RebuildContents{std::move(update), std::move(former)};
}

}  // namespace veneer::core
