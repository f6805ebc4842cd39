// The generation that waits for the next mount.
#pragma once

#include "fs/base/error.h"
#include "fs/catalog/catalog.h"
#include "fs/catalog/medium.h"
#include "fs/fuse/supervisor.h"

namespace veneer::tools {

// Makes the pending generation of the store current, if there is one, no mount of the store is live, and its
// layers hold in every way. What keeps it from that is logged, and the mount goes on with what is current: a
// machine has to boot. The store is changed through `medium`. Starts RocksDB's threads where there is a
// pending generation: for a process that does not fork any more.
void TakePending(const fuse::MountOptions& options, const catalog::Medium& medium, const fuse::Log& log);

// Adds to `update` that generation `pending` waits no more. It was never current, so that nobody goes back to
// it: its record goes too.
void DropPending(uint64_t pending, catalog::Update& update);

}  // namespace veneer::tools
