// Making another generation current: recorded once, and switched on every live mount of the store in one
// instant each.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fs/base/error.h"
#include "fs/catalog/catalog.h"
#include "fs/catalog/store.h"
#include "fs/fuse/live_mounts.h"

namespace veneer::fuse {

// What a switch did on one mount.
struct MountSwitch {
  std::string dir;
  uint64_t entries = 0;
  uint64_t folders = 0;
  int64_t longest_wait_us = 0;
};

struct SwitchReport {
  catalog::GenerationRecord generation;
  std::vector<MountSwitch> mounts;
  std::vector<std::string> warnings;  // of mounts that kept something old, did not switch, or died meanwhile
  int64_t microseconds = 0;           // from the first mount's preparing to the last one's instant
};

// Makes a new generation of `layers` (ids, base first) current: every live mount that is not pinned prepares,
// then the record is written, then all switch; and so do those that began meanwhile. A mount whose server
// dies on the way holds up none of the others. An error before the record leaves everything as it was; where
// the record itself could not be written, all follow what the disk says, and so does the message;
// kInterrupted may come after it too, of a mount that has not said yet that it shows the new generation.
// `catalog` is open for writing, so that switches take turns; `event` says what happened and by whom.
Result<SwitchReport> SwitchGeneration(const catalog::Store& store, catalog::Catalog& catalog,
                                      const std::vector<std::string>& layers, const std::string& reason,
                                      catalog::Event event, catalog::Update update = {});

// Switches to `current`, the recorded generation, every mount that is not pinned and shows another: one that
// could not follow when it was made. The report is of these alone. Call it with the catalog open for writing.
// An error leaves them as they are.
Result<SwitchReport> CatchUp(const catalog::Store& store, const catalog::GenerationRecord& current);

}  // namespace veneer::fuse
