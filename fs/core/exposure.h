// What the machine is still open to: advisories that the current stack answers, and those that it does not
// although a patch for them is installed.
#pragma once

#include <string>
#include <vector>

#include "fs/core/stack_plan.h"

namespace veneer::core {

struct AdvisoryStand {
  const format::Advisory* advisory = nullptr;
  const Candidate* patch = nullptr;  // that answers it, or would
  std::vector<std::string> cves;     // of the advisory; of an open one those that nothing active answers
  bool withdrawn = false;            // the patch is
};

struct Exposure {
  std::vector<AdvisoryStand> answered;  // in the order of the stack
  std::vector<AdvisoryStand> open;      // each advisory once, by the newest patch that has it
};

// Judges by the manifests of `candidates`, into which the result points. Open is what a patch for the current
// base names, unless a later letter of its component is active, which has taken its place. `current`: ids,
// base first; where it is empty or its base is not among `candidates`, nothing is answered and nothing open.
Exposure JudgeExposure(const std::vector<Candidate>& candidates, const std::vector<std::string>& current,
                       const PlanFacts& facts);

}  // namespace veneer::core
