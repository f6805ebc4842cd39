// A mount in use, of which those who use it are to notice nothing, whatever happens to its processes.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <utility>

#include "fs/base/unique_fd.h"
#include "tests/mount/switch_crowd.h"
#include "tests/mount/switch_rig.h"

namespace veneer::test {

// A mount with a crowd on it that never switches, a file that stays open, and what is to stay as it was.
class UsedMount {
 public:
  UsedMount();

  const SwitchRig& rig() const { return rig_; }

  // That everything is as it was, and nobody on the mount is held up.
  void Check() const;

  // Ends the crowd: none saw an error, or anything but the one tree.
  void Judge();

 private:
  using Inodes = std::map<std::string, std::pair<dev_t, ino_t>>;
  Inodes FindInodes() const;

  SwitchRig rig_;
  std::map<std::string, ShownByTree> trees_;
  Inodes inodes_;
  UniqueFd file_;
  TickClock clock_;
  Crowd crowd_;
};

}  // namespace veneer::test
