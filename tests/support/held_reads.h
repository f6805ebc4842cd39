// Holding up another process where it reads a file: a point at which a test knows what it has done, and what
// not.
#pragma once

#include <string>

#include "fs/base/unique_fd.h"

namespace veneer::test {

// Needs root, and a kernel that asks before files are read (fanotify). The test's own process must not read
// what is held.
class HeldReads {
 public:
  // Holds up whoever reads `path` or, if it is a folder, a file in it.
  explicit HeldReads(const std::string& path);

  // Waits until somebody wants to read and is held up; whoever reads from here on is not.
  void WaitForOne() const;

  // Lets go of all who are held up.
  void Release() { group_.reset(); }

 private:
  UniqueFd group_;
};

}  // namespace veneer::test
