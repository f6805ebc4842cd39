// A store opened by a verb that changes it.
#pragma once

#include <string>
#include <vector>

#include "fs/base/error.h"
#include "fs/core/stack_plan.h"
#include "tools/command.h"
#include "tools/stack_view.h"

namespace veneer::tools {

// Its catalog is open for writing: other changes wait.
struct StoreChange : StoreReading {
  // The ids of the current generation, base first; empty if there is none.
  Result<std::vector<std::string>> CurrentLayers() const;

  // The installed layers.
  Result<std::vector<core::Candidate>> Candidates() const;

  // What stacks are planned by now.
  Result<core::PlanFacts> Facts() const;
};

// Opens the store for a change, waiting for another one up to 30 seconds and saying so. kBusy after that; the
// errors of Store.
Result<StoreChange> OpenForChange(const Globals& globals);

// Says, unless told to be quiet, that a change waits for another one. `globals` outlives the answer.
std::function<void()> WaitNotice(const Globals& globals);

// Who acts, for the record: "alice (uid 1000), veneer VERB".
std::string ActingUser(const char* verb);

}  // namespace veneer::tools
