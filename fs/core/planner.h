// The patches of a stack in the making, held against what judges them and against each other.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "fs/base/error.h"
#include "fs/core/stack_plan.h"

namespace veneer::core {

// One patch for a component, over one base. Take the current ones first, then what else is on offer or
// wanted. Base, facts and patches must outlive it. For one thread.
class Planner {
 public:
  Planner(const Candidate& base, const PlanFacts& facts) : base_(base), facts_(facts) {}

  // Takes over a patch of the current stack, or leaves it out.
  void Keep(const Candidate& patch);

  // Takes `patch` if nothing speaks against it and none of its component that is as new is there.
  void Offer(const Candidate& patch);

  // Takes `patch`, or says why not: kWithdrawn, kNotApplicable, kDowngrade. Of several of one component, the
  // newest.
  Status Want(const Candidate& patch);

  // The stack, each patch above what it requires. kMissingRequirement for one that is wanted; kConflict where
  // patches require each other in a circle.
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

}  // namespace veneer::core
