// Mending layers of a store in place.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fs/core/stack_plan.h"
#include "fs/scan/repair.h"
#include "tools/command.h"
#include "tools/store_change.h"

namespace veneer::tools {

// Keeps other changes of the store waiting from the first layer that is mended on.
class LayerMender {
 public:
  // `globals` outlives the object.
  explicit LayerMender(const Globals& globals) : globals_(globals) {}

  // Scans the installed layer `id` and mends it from all layers of the store (see scan::RepairLayer); what
  // was mended goes into the history. kBusy, and the errors of Store and scan::RepairLayer.
  Result<scan::Repair> Mend(const std::string& id);

 private:
  std::vector<scan::Donor> Donors(const core::Candidate& layer,
                                  const catalog::Store::SealedLayer& sealed) const;
  Status Record(const core::Candidate& layer, const scan::Repair& repair);

  const Globals& globals_;
  std::optional<Result<StoreChange>> change_;  // tried once
  std::vector<core::Candidate> layers_;
};

}  // namespace veneer::tools
