// A mount whose guardian is this process: its supervisor can be killed, and another one goes on with the
// mount.
#pragma once

#include <set>
#include <string>

#include "fs/fuse/guardian.h"

namespace veneer::test {

// For one thread of a process that has no other.
class KeptMount {
 public:
  // Mounts the store at `target`, which is a folder.
  KeptMount(const std::string& store, std::string target);
  ~KeptMount();  // kills the supervisor, and takes the mount away
  KeptMount(const KeptMount&) = delete;
  KeptMount& operator=(const KeptMount&) = delete;

  pid_t supervisor() const { return guardian_.supervisor(); }

  // The names of what is kept now.
  std::set<std::string> Names();

  // Kills the supervisor; another one goes on with what was kept. Returns once that serves.
  void KillAndResume();

 private:
  std::string target_;
  fuse::Guardian guardian_;
};

}  // namespace veneer::test
