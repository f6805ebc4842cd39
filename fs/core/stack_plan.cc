#include "fs/core/stack_plan.h"

#include <algorithm>
#include <map>

#include "fs/catalog/catalog.h"
#include "fs/core/policy.h"

namespace veneer::core {
namespace {

using format::LayerKind;
using Stack = std::vector<const Candidate*>;

constexpr size_t kShortestId = 4;

bool IsPatchOf(const Candidate& candidate, const std::string& component) {
  return candidate.manifest.kind == LayerKind::kPatch && candidate.manifest.component == component;
}

const Candidate* NewestOf(const std::vector<Candidate>& candidates, const std::string& component) {
  const Candidate* newest = nullptr;
  for (const Candidate& candidate : candidates) {
    if (!IsPatchOf(candidate, component)) continue;
    if (newest == nullptr || candidate.manifest.sequence > newest->manifest.sequence) newest = &candidate;
  }
  return newest;
}

bool Answers(const Candidate& candidate, const std::string& word) {
  const format::Manifest& manifest = candidate.manifest;
  if (word.size() >= kShortestId && candidate.record.id.starts_with(word)) return true;
  if (manifest.name == word) return true;
  return manifest.kind == LayerKind::kPatch &&
         word == manifest.component + "@" + format::SequenceLetter(manifest.sequence);
}

Result<Stack> StackOfIds(const std::vector<Candidate>& candidates, const std::vector<std::string>& ids) {
  Stack stack;
  for (const std::string& id : ids) {
    const auto found = std::find_if(candidates.begin(), candidates.end(),
                                    [&](const Candidate& candidate) { return candidate.record.id == id; });
    if (found == candidates.end())
      return Fail(ErrorCode::kDamaged, "layer {} of the current generation is not in the catalog", id);
    stack.push_back(&*found);
  }
  return stack;
}

Status Applies(const Candidate& patch, const Candidate& base, const std::string& model) {
  return FirstRefusal(JudgeApplicability(patch.manifest, *base.manifest.os, model), patch.manifest.name);
}

// The base of the new stack: one that is wanted, the current one, or else the newest installed.
Result<const Candidate*> ChooseBase(const std::vector<Candidate>& candidates, const Stack& current,
                                    const Stack& wanted) {
  const Candidate* base = nullptr;
  for (const Candidate* candidate : wanted) {
    if (candidate->manifest.kind != LayerKind::kBase) continue;
    if (base != nullptr && base != candidate) {
      return Fail(ErrorCode::kConflict, "{} and {} are both bases", base->manifest.name,
                  candidate->manifest.name);
    }
    base = candidate;
  }
  if (base != nullptr) return base;
  if (!current.empty()) return current.front();
  for (const Candidate& candidate : candidates) {
    if (candidate.manifest.kind == LayerKind::kBase) base = &candidate;  // by slot: the last installed
  }
  if (base == nullptr)
    return Fail(ErrorCode::kNotFound, "no base layer is installed; run: veneer install BASE");
  return base;
}

// Orders patches so that each lies above what it requires, and otherwise as they were installed.
Result<Stack> Order(std::map<std::string, const Candidate*> patches) {
  Stack ordered;
  std::vector<std::string> placed;
  while (!patches.empty()) {
    const Candidate* next = nullptr;
    for (const auto& [component, patch] : patches) {
      const auto& needs = patch->manifest.requires_components;
      const bool ready =
          std::none_of(needs.begin(), needs.end(), [&, self = &component](const std::string& need) {
            return need != *self && patches.contains(need);
          });
      if (ready && (next == nullptr || patch->record.slot < next->record.slot)) next = patch;
    }
    if (next == nullptr) {
      return Fail(ErrorCode::kConflict, "{}: requires itself by way of others",
                  patches.begin()->second->manifest.name);
    }
    for (const std::string& need : next->manifest.requires_components) {
      if (need != next->manifest.component && std::find(placed.begin(), placed.end(), need) == placed.end()) {
        return Fail(ErrorCode::kMissingRequirement, "{}: requires {}, which is not active",
                    next->manifest.name, need);
      }
    }
    placed.push_back(next->manifest.component);
    ordered.push_back(next);
    patches.erase(next->manifest.component);
  }
  return ordered;
}

std::vector<std::string> IdsOf(const Candidate& base, const Stack& patches) {
  std::vector<std::string> ids = {base.record.id};
  for (const Candidate* patch : patches) ids.push_back(patch->record.id);
  return ids;
}

}  // namespace

Result<std::vector<Candidate>> CandidatesOf(const std::vector<catalog::LayerRecord>& records) {
  std::vector<Candidate> candidates;
  for (const catalog::LayerRecord& record : records) {
    auto manifest = format::ParseManifest(AsBytes(record.manifest));
    if (!manifest) {
      return Fail(ErrorCode::kDamaged, "catalog: layer {}: {}{}", record.id, manifest.error().message(),
                  catalog::kRepairCatalog);
    }
    candidates.push_back({record, std::move(*manifest)});
  }
  return candidates;
}

Result<const Candidate*> FindCandidate(const std::vector<Candidate>& candidates, const std::string& word) {
  const Candidate* found = nullptr;
  for (const Candidate& candidate : candidates) {
    if (!Answers(candidate, word)) continue;
    if (candidate.record.id == word) return &candidate;
    if (found != nullptr)
      return Fail(ErrorCode::kUsage, "{}: fits several layers; give its id (veneer list)", word);
    found = &candidate;
  }
  if (found == nullptr) found = NewestOf(candidates, word);
  if (found == nullptr)
    return Fail(ErrorCode::kNotFound, "{}: no such layer is installed; run: veneer list", word);
  return found;
}

Result<std::vector<std::string>> PlanActivation(const std::vector<Candidate>& candidates,
                                                const std::vector<std::string>& current,
                                                const std::vector<const Candidate*>& wanted,
                                                const std::string& model) {
  VENEER_ASSIGN(const Stack now, StackOfIds(candidates, current));
  VENEER_ASSIGN(const Candidate* base, ChooseBase(candidates, now, wanted));

  std::map<std::string, const Candidate*> patches;
  for (const Candidate* candidate : now) {
    if (candidate->manifest.kind == LayerKind::kPatch && Applies(*candidate, *base, model)) {
      patches[candidate->manifest.component] = candidate;
    }
  }
  if (wanted.empty()) {
    for (const Candidate& candidate : candidates) {
      if (candidate.manifest.kind != LayerKind::kPatch || !Applies(candidate, *base, model)) continue;
      const Candidate*& place = patches[candidate.manifest.component];
      if (place == nullptr || candidate.manifest.sequence >= place->manifest.sequence) place = &candidate;
    }
  }
  for (const Candidate* candidate : wanted) {
    if (candidate->manifest.kind == LayerKind::kBase) continue;
    VENEER_TRY(Applies(*candidate, *base, model));
    patches[candidate->manifest.component] = candidate;
  }
  VENEER_ASSIGN(const Stack ordered, Order(std::move(patches)));
  return IdsOf(*base, ordered);
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
    return Fail(ErrorCode::kFailed, "{}: says that it is not removable", layer.manifest.name);
  return ids;
}

}  // namespace veneer::core
