#include "fs/core/stack_plan.h"

#include <algorithm>
#include <cstring>
#include <tuple>

#include "fs/catalog/catalog.h"
#include "fs/core/planner.h"
#include "fs/core/stack_check.h"

namespace veneer::core {
namespace {

using format::LayerKind;
using Stack = std::vector<const Candidate*>;

bool IsBase(const Candidate& candidate) {
  return candidate.manifest.kind == LayerKind::kBase;
}

// The layers of the current generation, which is a stack (stack_check.h).
Result<Stack> StackOfIds(const std::vector<Candidate>& candidates, const std::vector<std::string>& ids) {
  Stack stack;
  std::vector<const format::Manifest*> manifests;
  for (const std::string& id : ids) {
    const auto found = std::find_if(candidates.begin(), candidates.end(),
                                    [&](const Candidate& candidate) { return candidate.record.id == id; });
    if (found == candidates.end()) {
      return Fail(ErrorCode::kDamaged, "layer {} of the current generation is not in the catalog{}", id,
                  catalog::kRepairCatalog);
    }
    stack.push_back(&*found);
    manifests.push_back(&found->manifest);
  }
  VENEER_TRY(CheckStack(manifests));
  return stack;
}

bool IsNewerBase(const Candidate& a, const Candidate& b) {
  const int order = ::strverscmp(a.manifest.os->version.c_str(), b.manifest.os->version.c_str());
  if (order != 0) return order > 0;
  return std::tie(a.manifest.created, a.record.slot) > std::tie(b.manifest.created, b.record.slot);
}

// The newest base for this machine, of the system of `current` where that is not null. Null if there is none.
const Candidate* NewestBase(const std::vector<Candidate>& candidates, const Candidate* current,
                            const std::string& model) {
  const Candidate* newest = current;
  for (const Candidate& candidate : candidates) {
    if (!IsBase(candidate)) continue;
    const auto& models = candidate.manifest.os->models;
    const bool fits = models.empty() || std::find(models.begin(), models.end(), model) != models.end();
    const bool same = current == nullptr || candidate.manifest.os->id == current->manifest.os->id;
    if (fits && same && (newest == nullptr || IsNewerBase(candidate, *newest))) newest = &candidate;
  }
  return newest;
}

// The base of the new stack: one that is wanted, or else the current one; the newest where nothing is wanted.
Result<const Candidate*> ChooseBase(const std::vector<Candidate>& candidates, const Stack& current,
                                    const Stack& wanted, const std::string& model) {
  const Candidate* base = nullptr;
  for (const Candidate* candidate : wanted) {
    if (!IsBase(*candidate)) continue;
    if (base != nullptr && base != candidate) {
      return Fail(ErrorCode::kConflict, "{} and {} are both bases", base->manifest.name,
                  candidate->manifest.name);
    }
    base = candidate;
  }
  if (base != nullptr) return base;
  if (!current.empty()) base = current.front();
  if (base == nullptr || wanted.empty()) base = NewestBase(candidates, base, model);
  if (base == nullptr)
    return Fail(ErrorCode::kNotFound, "no base layer is installed; run: veneer install BASE");
  return base;
}

}  // namespace

Result<Plan> PlanActivation(const std::vector<Candidate>& candidates, const std::vector<std::string>& current,
                            const std::vector<const Candidate*>& wanted, const PlanFacts& facts) {
  VENEER_ASSIGN(const Stack now, StackOfIds(candidates, current));
  VENEER_ASSIGN(const Candidate* base, ChooseBase(candidates, now, wanted, facts.model));
  Planner planner(*base, facts);
  for (const Candidate* candidate : now) {
    if (!IsBase(*candidate)) planner.Keep(*candidate);
  }
  for (const Candidate& candidate : candidates) {
    if (wanted.empty() && !IsBase(candidate)) planner.Offer(candidate);
  }
  for (const Candidate* candidate : wanted) {
    if (!IsBase(*candidate)) VENEER_TRY(planner.Want(*candidate));
  }
  return planner.Finish();
}

Result<Plan> PlanWithdrawal(const std::vector<Candidate>& candidates, const std::vector<std::string>& current,
                            const PlanFacts& facts) {
  VENEER_ASSIGN(const Stack now, StackOfIds(candidates, current));
  Planner planner(*now.front(), facts);
  for (const Candidate* active : now) {
    if (IsBase(*active)) continue;
    planner.Keep(*active);
    if (!facts.withdrawn.contains(active->record.id)) continue;
    for (const Candidate& candidate : candidates) {
      if (!IsBase(candidate) && candidate.manifest.component == active->manifest.component &&
          candidate.manifest.sequence > active->manifest.sequence) {
        planner.Offer(candidate);
      }
    }
  }
  return planner.Finish();
}

Result<std::vector<std::string>> PlanRevert(const std::vector<Candidate>& candidates,
                                            const std::vector<std::string>& current, const Candidate& layer) {
  VENEER_ASSIGN(const Stack now, StackOfIds(candidates, current));
  std::vector<std::string> ids;
  bool found = false;
  for (const Candidate* candidate : now) {
    const format::Manifest& manifest = candidate->manifest;
    if (candidate == &layer) {
      found = true;
      continue;
    }
    const auto& needs = manifest.requires_components;
    if (std::find(needs.begin(), needs.end(), layer.manifest.component) != needs.end()) {
      return Fail(ErrorCode::kConflict, "{}: {} requires it; revert that first", layer.manifest.name,
                  manifest.name);
    }
    ids.push_back(candidate->record.id);
  }
  if (!found) return Fail(ErrorCode::kUsage, "{}: is not active", layer.manifest.name);
  if (layer.manifest.kind == LayerKind::kBase) {
    return Fail(ErrorCode::kUsage, "{}: is the base; run: veneer revert --to GENERATION",
                layer.manifest.name);
  }
  if (!layer.manifest.removable)
    return Fail(ErrorCode::kFailed, "{}: says that it is not removable; run: veneer revert --all",
                layer.manifest.name);
  return ids;
}

}  // namespace veneer::core
