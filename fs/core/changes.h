// What two generations differ in, as the kernel's caches see it: directory entries, listings and folder
// attributes.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "fs/base/error.h"
#include "fs/core/node_id.h"
#include "fs/core/view.h"

namespace veneer::core {

// A name in a folder, whose child is another node, appeared or vanished.
struct ChangedEntry {
  NodeId folder = 0;
  std::string path;   // from the root, without a leading '/'; its last component is the name
  NodeId before = 0;  // 0: absent
  NodeId after = 0;   // 0: absent
  bool was_folder = false;

  std::string_view name() const { return std::string_view(path).substr(path.rfind('/') + 1); }
};

// A folder that both have under the same id, with other attributes: its topmost layer is another.
struct ChangedFolder {
  NodeId folder = 0;
  NodeId parent = 0;  // 0 for the root
  std::string path;
};

// Immutable once made; safe from several threads.
class Changes {
 public:
  // Costs what the patches of both hold; only paths that a patch names can differ, unless the bases differ.
  // The errors of reading the layers.
  static Result<Changes> Between(const View& before, const View& after);

  const std::vector<ChangedEntry>& entries() const { return shown_.entries; }
  const std::vector<ChangedFolder>& folders() const { return shown_.folders; }

  struct Part {
    std::vector<ChangedEntry> entries;
    std::vector<ChangedFolder> folders;
  };

  // The same of folders that at most one of the two generations shows. A process may still work in one that
  // went, and what it finds there must not be taken for what the folder holds when it comes back.
  const Part& hidden() const { return hidden_; }

  // What is shown and what is hidden, for whoever handles both alike.
  std::array<const Part*, 2> parts() const { return {&shown_, &hidden_}; }

  // Hidden ones too.
  bool HasEntry(NodeId folder, std::string_view name) const;
  bool HasFolder(NodeId folder) const { return folder_ids_.contains(folder); }

  // The folders, each once, whose listing or attributes differ, hidden ones too.
  std::vector<NodeId> Stale() const;

  bool empty() const { return entries().empty() && folders().empty(); }

 private:
  friend class Comparison;
  Changes() = default;

  Part shown_;
  Part hidden_;
  // Hashes of (folder, name). A collision makes an entry pass for changed, which costs a look-up and nothing
  // else.
  std::unordered_set<uint64_t> entry_hashes_;
  std::unordered_set<NodeId> folder_ids_;
};

}  // namespace veneer::core
