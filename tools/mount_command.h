// Mounting a store, for `veneer mount` and for mount.veneer.
#pragma once

#include <string>

#include "fs/base/error.h"
#include "fs/base/unique_fd.h"
#include "fs/catalog/medium.h"
#include "fs/fuse/supervisor.h"

namespace veneer::tools {

// The absolute path of what is at `path`, without symlinks. The errors of realpath(3).
Result<std::string> AbsolutePath(const std::string& path);

// Likewise of a mount point, also of one whose server has died, which nobody can look into.
Result<std::string> MountPoint(const std::string& path);

// Mounts and serves. In the foreground until the file system is unmounted; otherwise in a daemon, and this
// returns once the mount answers, or with the daemon's error. SIGTERM and SIGINT unmount, lazily where it is
// in use. What it changes in the store before it serves, it changes through `medium`.
Status MountAndServe(fuse::MountOptions options, const catalog::Medium& medium, bool foreground);

// Takes a live mount over from the server at the other end of `former`, in a daemon; returns once the mount
// is there. A request to stop meanwhile leaves the mount with one of the two. `lock` keeps others from the
// mount: the daemon has it until it is done, though this process may be killed. Errors of
// Supervisor::TakeOver.
Status TakeOverAndServe(fuse::ControlChannel former, const UniqueFd& lock);

}  // namespace veneer::tools
