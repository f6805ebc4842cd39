#include "fs/core/planner.h"

#include <algorithm>

#include "fs/core/policy.h"

namespace veneer::core {
namespace {

// Orders patches so that each lies above what it requires, and otherwise as they were installed. What is
// required is there.
Result<std::vector<const Candidate*>> Order(std::map<std::string, const Candidate*> patches) {
  std::vector<const Candidate*> ordered;
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

}  // namespace

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
  VENEER_TRY(FirstRefusal({JudgeFloor(manifest, facts_.security_floor)}, manifest.name));
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
  VENEER_ASSIGN(const auto ordered, Order(patches_));
  Plan plan{{base_.record.id}, std::move(left_out_)};
  for (const Candidate* patch : ordered) plan.layers.push_back(patch->record.id);
  return plan;
}

}  // namespace veneer::core
