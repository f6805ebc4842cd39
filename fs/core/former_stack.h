// Which stack becomes current where a catalog is made anew. Pure: facts in, a stack out.
#pragma once

#include <string>
#include <vector>

#include "fs/base/error.h"
#include "fs/core/stack_plan.h"

namespace veneer::core {

// The stack that was current, as the old catalog tells it.
struct FormerStack {
  std::vector<std::string> layers;  // ids, base first; empty: not known, or there was none
  bool certain = false;             // else it may be one from before the last changes
  bool reverted = false;            // it came about by a revert, which floors do not bind
};

struct ChosenStack {
  std::vector<std::string> layers;   // ids, base first; empty where there is no base
  bool kept = false;                 // just the former one
  bool from_former = false;          // that, or what is left of it; otherwise the newest of everything
  std::vector<std::string> missing;  // layers of the former one that are no candidates
  std::vector<LeftOut> left_out;     // patches of it that could be there and are not
};

// The former stack, without what is not there, what requires that, and what is withdrawn (in whose place a
// later letter may come, see PlanWithdrawal): nothing that its owner had dropped comes back with it. Where
// its base is not there, it is no stack (stack_check.h), or it is not known, the newest of everything as by
// PlanActivation; so too where it may be an older one and has a patch below its floor, unless by a revert.
// The errors of PlanActivation, kNotFound aside.
Result<ChosenStack> ChooseStack(const std::vector<Candidate>& candidates, const FormerStack& former,
                                const PlanFacts& facts);

}  // namespace veneer::core
