// Mending layers of a store in place.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fs/catalog/store.h"
#include "fs/core/stack_plan.h"
#include "fs/scan/repair.h"
#include "tools/command.h"

namespace veneer::tools {

struct MendedLayer {
  scan::Repair repair;
  Status recorded;  // whether the history tells of what was mended
};

// Scans the installed layer `id` and mends it from all layers of the store (see scan::RepairLayer). Other
// changes of the store wait for that, and no longer. What was mended goes into the history then; mending
// itself needs no room. Nothing if the layer is not installed any more. kBusy, and the errors of Store,
// io::OpenForWriting and scan::RepairLayer: the layer is as it was.
Result<std::optional<MendedLayer>> MendLayer(const Globals& globals, const std::string& id);

}  // namespace veneer::tools
