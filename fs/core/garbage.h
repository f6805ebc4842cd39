// Which installed layers nobody needs any more. Pure: facts in, verdicts out.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "fs/catalog/records.h"
#include "fs/core/stack_plan.h"

namespace veneer::core {

struct GarbageFacts {
  std::vector<Candidate> layers;                       // installed
  std::vector<catalog::GenerationRecord> generations;  // by number
  catalog::State state;
  std::set<uint64_t> mounted;  // generations that some mount shows
  uint64_t keep = 1;  // generations before the current one to which it shall stay possible to go back
};

struct Verdict {
  const Candidate* layer = nullptr;
  bool needed = false;
  std::string reason;  // in words, e.g. "of the current generation"
};

// One verdict for each layer, in their order. Needed is what the current, the pending, the last good, a
// mounted or one of the `keep` former generations holds, and what waits for its first activation and is not
// superseded by a newer sequence of its component. Former generations with equal stacks count once.
std::vector<Verdict> JudgeGarbage(const GarbageFacts& facts);

}  // namespace veneer::core
