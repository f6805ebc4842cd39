// A base and patches that follow from a seed, sealed and ready to be installed.
#pragma once

#include <string>
#include <vector>

#include "tests/support/random_tree.h"
#include "tests/tools/program.h"

namespace veneer::test {

// The component of a patch that nothing requires and that touches nothing that others do.
inline constexpr const char* kLooseComponent = "loose";

struct SealedLayer {
  std::string file;
  std::string component;  // empty for the base
  std::string whole;      // the folder that `veneer patch` made it of, over all those before it; or empty
};

class RandomStack {
 public:
  // Makes 1 to 8 layers in the folder `folder`, which is made. If they are to be activated by policy, every
  // patch requires those below, so that they may touch the same paths, but for one in the middle (where there
  // are three patches or more), which is kLooseComponent; otherwise none requires another, so that any of
  // them make a stack in any order. Some are raw layers with all that overlayfs allows, sealed by the
  // library, some are what the program's `patch` makes of whole trees.
  RandomStack(uint64_t seed, const Workshop& shop, const std::string& folder, bool by_policy);

  // Base first, in the order in which they are to be installed.
  const std::vector<SealedLayer>& layers() const { return layers_; }
  RandomTrees& random() { return random_; }

 private:
  void Seal(const TreeSpec& tree, const std::string& component);
  void Patch(const TreeSpec& tree, const std::string& component);
  void AddPatch(const std::string& component);
  std::string WriteNext(const TreeSpec& tree);
  std::vector<std::string> Required() const;

  const Workshop& shop_;
  std::string folder_;
  bool by_policy_;
  RandomTrees random_;
  TreeSpec shown_;  // what those so far make together, without the loose one
  std::vector<SealedLayer> layers_;
};

}  // namespace veneer::test
