#include "fs/core/stack_plan.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <set>
#include <tuple>

#include "fs/core/policy.h"

namespace veneer::core {
namespace {

using format::LayerKind;
using Stack = std::vector<const Candidate*>;

bool IsBase(const Candidate& candidate) {
  return candidate.manifest.kind == LayerKind::kBase;
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

// Orders patches so that each lies above what it requires, and otherwise as they were installed. What is
// required is there.
Result<Stack> Order(std::map<std::string, const Candidate*> patches) {
  Stack ordered;
  while (!patches.empty()) {
    const Candidate* next = nullptr;
    for (const auto& [component, patch] : patches) {
      const auto& needs = patch->manifest.requires_components;
      const bool ready = std::none_of(needs.begin(), needs.end(),
                                      [&](const std::string& need) { return patches.contains(need); });
      if (ready && (next == nullptr || patch->record.slot < next->record.slot)) next = patch;
    }
    if (next == nullptr) {
      return Fail(ErrorCode::kConflict, "{}: requires itself by way of others",
                  patches.begin()->second->manifest.name);
    }
    ordered.push_back(next);
    patches.erase(next->manifest.component);
  }
  return ordered;
}

// The patches of a stack in the making: one for a component.
class Planner {
 public:
  Planner(const Candidate& base, const PlanFacts& facts) : base_(base), facts_(facts) {}

  // Takes over a patch of the current stack, or leaves it out.
  void Keep(const Candidate& patch);

  // Takes `patch` if nothing speaks against it and none of its component that is as new is there.
  void Offer(const Candidate& patch);

  // Takes `patch`, or says why not. Of several of one component, the newest.
  Status Want(const Candidate& patch);

  Result<Plan> Finish();

 private:
  // What keeps `patch` out of every new stack on this base.
  Status Judge(const Candidate& patch) const;
  Status JudgeSequence(const Candidate& patch) const;
  void LeaveOut(const Candidate& patch, std::string why);
  Status SettleRequirements();
  bool SettleOne(Status& refusal);

  const Candidate& base_;
  const PlanFacts& facts_;
  std::map<std::string, const Candidate*> patches_;  // by component
  std::map<std::string, const Candidate*> kept_;     // those of the current stack that may stay
  std::set<const Candidate*> current_;
  std::set<const Candidate*> wanted_;
  std::vector<LeftOut> left_out_;
};

Status Planner::Judge(const Candidate& patch) const {
  const auto withdrawn = facts_.withdrawn.find(patch.record.id);
  if (withdrawn != facts_.withdrawn.end()) {
    return Fail(ErrorCode::kWithdrawn, "{}: is withdrawn by its publisher: {}", patch.manifest.name,
                withdrawn->second);
  }
  return FirstRefusal(JudgeApplicability(patch.manifest, *base_.manifest.os, facts_.model),
                      patch.manifest.name);
}

Status Planner::JudgeSequence(const Candidate& patch) const {
  const format::Manifest& manifest = patch.manifest;
  const auto floor = facts_.security_floor.find(manifest.component);
  if (floor != facts_.security_floor.end() && manifest.sequence < floor->second) {
    return Fail(ErrorCode::kDowngrade, "{}: is below the security floor of {}, ({})", manifest.name,
                manifest.component, format::SequenceLetter(floor->second));
  }
  const auto kept = kept_.find(manifest.component);
  if (kept != kept_.end() && manifest.sequence < kept->second->manifest.sequence) {
    return Fail(ErrorCode::kDowngrade, "{}: is older than {}, which is active; run: veneer revert",
                manifest.name, kept->second->manifest.name);
  }
  return {};
}

void Planner::LeaveOut(const Candidate& patch, std::string why) {
  left_out_.push_back({&patch, current_.contains(&patch), std::move(why)});
}

void Planner::Keep(const Candidate& patch) {
  current_.insert(&patch);
  if (const Status judged = Judge(patch); !judged) {
    LeaveOut(patch, judged.error().message());
    return;
  }
  patches_[patch.manifest.component] = kept_[patch.manifest.component] = &patch;
}

void Planner::Offer(const Candidate& patch) {
  if (!Judge(patch) || !JudgeSequence(patch)) return;
  const Candidate*& place = patches_[patch.manifest.component];
  if (place == nullptr || patch.manifest.sequence >= place->manifest.sequence) place = &patch;
}

Status Planner::Want(const Candidate& patch) {
  VENEER_TRY(Judge(patch));
  VENEER_TRY(JudgeSequence(patch));
  const Candidate*& place = patches_[patch.manifest.component];
  const bool newer_is_wanted =
      place != nullptr && wanted_.contains(place) && place->manifest.sequence > patch.manifest.sequence;
  if (!newer_is_wanted) place = &patch;
  wanted_.insert(&patch);
  return {};
}

// Deals with one patch whose requirement is not there: refuses it, goes back to the one that the current
// stack has, or leaves it out. False where there is none.
bool Planner::SettleOne(Status& refusal) {
  for (const auto& [component, patch] : patches_) {
    for (const std::string& need : patch->manifest.requires_components) {
      if (patches_.contains(need)) continue;
      const std::string why = fmt::format("{}: requires {}, which is not active", patch->manifest.name, need);
      if (wanted_.contains(patch)) {
        refusal = Fail(ErrorCode::kMissingRequirement, "{}", why);
        return false;
      }
      LeaveOut(*patch, why);
      const auto kept = kept_.find(component);
      if (kept != kept_.end() && kept->second != patch) {
        patches_[component] = kept->second;
      } else {
        patches_.erase(std::string(component));
      }
      return true;
    }
  }
  return false;
}

Status Planner::SettleRequirements() {
  Status refusal;
  while (SettleOne(refusal)) continue;
  return refusal;
}

Result<Plan> Planner::Finish() {
  VENEER_TRY(SettleRequirements());
  VENEER_ASSIGN(const Stack ordered, Order(patches_));
  Plan plan{{base_.record.id}, std::move(left_out_)};
  for (const Candidate* patch : ordered) plan.layers.push_back(patch->record.id);
  return plan;
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
    return Fail(ErrorCode::kFailed, "{}: says that it is not removable", layer.manifest.name);
  return ids;
}

}  // namespace veneer::core
