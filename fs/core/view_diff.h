// What two views differ in, path by path, for a person: see Changes for what the kernel's caches need.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fs/base/error.h"
#include "fs/core/view.h"
#include "fs/layer/progress.h"

namespace veneer::core {

// A path that one view has and the other has not, or has otherwise.
struct PathChange {
  std::string path;            // from the root, without a leading '/'; empty for the root
  std::optional<Node> before;  // nothing: appeared
  std::optional<Node> after;   // nothing: vanished
  // Of a path that both have: "type", or some of "mode", "owner", "mtime", "xattrs", "device", "target",
  // "links", "content".
  std::vector<std::string> aspects;
};

// The differences, in the order of their paths, each folder before what is in it; what appears or vanishes
// with its folder is named too. Costs what the patches hold where both have one base, and otherwise a look at
// every inode, and at the content of files that could be equal. Errors of reading the layers; kInterrupted.
Result<std::vector<PathChange>> CompareViews(const View& before, const View& after,
                                             const layer::Progress& progress);

}  // namespace veneer::core
