// What a switch would change and harm, looked at and shown before it is made.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fs/base/error.h"
#include "fs/core/changes.h"
#include "fs/fuse/switch_guard.h"
#include "tools/store_change.h"

namespace veneer::tools {

struct SwitchPreview {
  std::optional<core::Changes> changes;  // none where the stack that goes cannot be read any more
  bool new_base = false;
  std::vector<std::string> restart;  // units that the patches which come in want restarted
};

// Compares what the stacks `before` and `after` (ids, base first) show; nothing where `before` is empty,
// since nothing shows it yet. The stack that comes must hold in every way, as OpenSoundStack says. The one
// that goes may be damaged, gone or no longer trusted: that is no reason to stay with it, and is said.
Result<std::optional<SwitchPreview>> PreviewSwitch(const StoreChange& change,
                                                   const std::vector<std::string>& before,
                                                   const std::vector<std::string>& after, Output& output);

void ShowChanges(const SwitchPreview& preview, Output& output);
void ShowRestart(const SwitchPreview& preview, Output& output);

// The mounts that the switch would harm, shown. As fuse::FindHazards.
Result<std::vector<fuse::Hazard>> ShowHazards(const StoreChange& change, const SwitchPreview& preview,
                                              Output& output);

}  // namespace veneer::tools
