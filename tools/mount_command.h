// Mounting a store, for `veneer mount` and for mount.veneer.
#pragma once

#include "fs/base/error.h"
#include "fs/fuse/server.h"

namespace veneer::tools {

// Mounts and serves. In the foreground until the file system is unmounted; otherwise in a daemon, and this returns once the mount
// answers, or with the daemon's error. SIGTERM and SIGINT unmount, lazily where it is in use.
Status MountAndServe(fuse::ServerOptions options, bool foreground);

}  // namespace veneer::tools
