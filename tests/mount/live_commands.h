// Commands on a store that is mounted, each with something to do.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "tests/mount/switch_rig.h"

namespace veneer::test {

class LiveCommands {
 public:
  using Words = std::vector<std::string>;

  // Installs one more base, an older one of the same content, that no generation has. `rig` must outlive
  // this.
  explicit LiveCommands(const SwitchRig& rig);

  // The words of one of them, at random, on a store whose current generation is `tree`. Beforehand brings
  // about what it needs, by commands that must succeed: layers that are installed, damage that can be mended.
  Words Pick(std::mt19937_64& random, int tree);

  // Mends what Pick has damaged.
  void Mend();

 private:
  Words PickSwitch(std::mt19937_64& random, int from, int to) const;
  void Supply() const;
  void Damage(std::mt19937_64& random);

  const SwitchRig& rig_;
  std::string spare_;  // file of the other base, in the store
  uint64_t image_size_ = 0;
  bool damaged_ = false;
};

}  // namespace veneer::test
