// Random trees, and random layers over them: the same ones for the same seed, on every machine.
#pragma once

#include <cstdint>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/support/tree_spec.h"
#include "tests/support/tree_union.h"

namespace veneer::test {

class RandomTrees {
 public:
  explicit RandomTrees(uint64_t seed) : random_(seed) {}

  // A whole tree: all types of file, odd names, xattrs, ACLs, capabilities, hard links, holes.
  TreeSpec Base();

  // A layer over `below`, with the overlayfs marks that a patch has: things removed, replaced by others of
  // the same type or another, with other attributes alone, added, brought back, whiteouts of what is not
  // there, opaque folders, other attributes of the root.
  TreeSpec Layer(const TreeSpec& below);

  // A layer that changes only what is in the top folder `area` and adds to nothing else but the root. It
  // takes no notice of what the root has there.
  TreeSpec LayerIn(const std::string& area);

  // `below` as such a layer leaves it.
  TreeSpec Changed(const TreeSpec& below);

  // Every path that was ever in one of these trees.
  const std::set<std::string>& known() const { return known_; }

  // A number below `limit`, which is not 0.
  uint64_t Below(uint64_t limit) { return random_() % limit; }
  bool OneIn(uint64_t count) { return Below(count) == 0; }
  template <typename T>
  const T& OneOf(const std::vector<T>& choices) {
    return choices[Below(choices.size())];
  }

 private:
  std::string Name();
  Kind SomeKind();
  TreeItem Item(Kind kind);
  void SetMetadata(TreeItem& item);
  void SetXattrs(TreeItem& item);
  void SetContent(TreeItem& item);

  bool Put(TreeSpec& layer, const TreeSpec& below, const std::string& path, TreeItem item);
  void AddSome(TreeSpec& layer, const TreeSpec& below, const std::string& folder);
  void AddLink(TreeSpec& layer, const TreeSpec& below);
  void AddOpaque(TreeSpec& layer, const TreeSpec& below, const std::string& path);
  void Change(TreeSpec& layer, const TreeSpec& below);
  std::string SomePath(const TreeSpec& layer, const TreeSpec& below);
  std::string SomeFolder(const TreeSpec& layer, const TreeSpec& below);
  void Learn(const TreeSpec& tree);

  std::mt19937_64 random_;
  uint64_t links_ = 0;  // given out
  std::set<std::string> known_;
};

}  // namespace veneer::test
