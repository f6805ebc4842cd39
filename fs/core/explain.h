// Why a path is what it is: which layer gives it, and what the others have there.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fs/base/error.h"
#include "fs/core/view.h"

namespace veneer::core {

// `path` from the root with the symlinks among its folders followed, and "." and ".." taken out; what it ends
// in is not followed. No leading '/'. kUsage where symlinks form a loop; the errors of reading the layers. A
// folder that is not there ends the following: the rest stays as it is.
Result<std::string> ResolveFolders(const View& view, std::string_view path);

// What one layer has at a path.
struct LayerEntry {
  enum class Role {
    kGives,   // what is shown: the file, or the attributes of the folder
    kMerges,  // a folder whose entries are shown too
    kHides,   // a whiteout, with nothing above it: the path is absent
    kHidden,  // by a layer above
  };

  size_t layer = 0;  // index in the view's stack
  erofs::Inode inode;
  Role role = Role::kHidden;
  bool opaque = false;
  // Of what is hidden: the layer that does it (index), and where: the path itself or a folder above it.
  size_t hidden_by = 0;
  std::string hidden_at;
};

// The entries at `path` (as from ResolveFolders), topmost layer first; none where no layer has it. Costs
// O(layers * depth) look-ups. The errors of reading the layers.
Result<std::vector<LayerEntry>> Explain(const View& view, const std::string& path);

}  // namespace veneer::core
