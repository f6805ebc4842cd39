// The FUSE requests that a mount answers. Each handler unpacks, calls the core, and replies once.
#pragma once

#include "fs/fuse/fuse_api.h"

namespace veneer::fuse {

// The table of handlers. The session's user data must be a Context*.
const fuse_lowlevel_ops& Operations();

}  // namespace veneer::fuse
