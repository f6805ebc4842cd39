// What a switch would do to other mounts, found out before it is made (design §5).
#pragma once

#include <string>
#include <vector>

#include "fs/base/error.h"
#include "fs/core/changes.h"

namespace veneer::fuse {

struct Hazard {
  std::string text;      // one line: what would suffer, and where
  bool refuses = false;  // a reason not to switch; otherwise a warning
};

// Looks at the live mounts of the store with `identity` that are not pinned, and at the mounts of every name
// space: what becomes of an entry becomes of all that is mounted on it anywhere. A kernel overlayfs above one
// is a reason to refuse (it answers ESTALE after a switch); so is anything mounted below one when the base
// changes (`new_base`), since that detaches it; a mount on or below a path that changes is a warning, and any
// mount below where `changes` is null, not known. kIo.
Result<std::vector<Hazard>> FindHazards(const std::string& identity, const core::Changes* changes,
                                        bool new_base);

}  // namespace veneer::fuse
