// Planning a generation and switching to it, for the verbs that do so.
#pragma once

#include <string>
#include <vector>

#include "fs/base/error.h"
#include "tools/switch.h"

namespace veneer::tools {

// Adds the layers that `words` name to the current stack and makes that current, and says what is left out:
// see core::FindCandidate, core::PlanActivation and SwitchTo.
Status ActivateLayers(StoreChange& change, const std::vector<std::string>& words,
                      const SwitchOptions& options, Output& output);

// Takes withdrawn patches off the current stack: see core::PlanWithdrawal and SwitchTo. A later letter that
// cannot take the place of one does not keep it there. Nothing to do where none is there.
Status RevertWithdrawn(StoreChange& change, Output& output);

}  // namespace veneer::tools
