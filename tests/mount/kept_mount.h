// A mount whose supervisor is a child of this process and gives all that the next one needs to it, as to a
// service manager: it can be killed, and another one goes on with the mount.
#pragma once

#include <set>
#include <string>

#include "fs/base/unique_fd.h"
#include "fs/fuse/message.h"
#include "fs/fuse/supervisor.h"

namespace veneer::test {

// For one thread of a process that has no other.
class KeptMount {
 public:
  // Mounts the store at `target`, which is a folder.
  KeptMount(std::string store, std::string target);
  ~KeptMount();  // kills the supervisor, and takes the mount away
  KeptMount(const KeptMount&) = delete;
  KeptMount& operator=(const KeptMount&) = delete;

  pid_t supervisor() const { return supervisor_; }

  // The names of what is kept now.
  std::set<std::string> Names();

  // Kills the supervisor; another one goes on with what was kept. Returns once that serves.
  void KillAndResume();

 private:
  template <typename Begin>
  void Serve(Begin begin);
  void Kill();
  void Note(fuse::Message said);

  std::string store_;
  std::string target_;
  pid_t supervisor_ = -1;
  UniqueFd line_;  // on which it says what to keep, and what no more
  fuse::Supervisor::Kept kept_;
};

}  // namespace veneer::test
