// A mount that holds the very program that serves it, with all that this needs, and can be made the root of a
// process.
#pragma once

#include <string>
#include <vector>

#include "tests/tools/program.h"

namespace veneer::test {

class OwnProgram {
 public:
  // Mounts a tree with the program and its libraries, and over it what of this machine a program needs:
  // /proc, /sys, /dev, /run, and the folder of the store.
  OwnProgram();
  ~OwnProgram();  // takes all mounts away, whoever waits for them, and ends the server
  OwnProgram(const OwnProgram&) = delete;
  OwnProgram& operator=(const OwnProgram&) = delete;

  std::string mount() const { return shop_ / "mnt"; }
  std::string store() const { return shop_ / "store"; }

  // Runs the program with `words` by what the mount holds, in a root that is the mount. It must end with 0.
  void RunInside(std::vector<std::string> words) const;

  // Reads all that is sealed, past the kernel's cache, and finds it as it was.
  void ReadAll() const;

  // What `veneer status` has on the mount, asked by the program outside.
  nlohmann::json Status() const;

 private:
  CommandResult RunBounded(const std::vector<std::string>& argv) const;
  void Abort() const;
  void CopyProgram() const;
  std::vector<std::string> FoldersOfMachine() const;

  Workshop shop_;
};

}  // namespace veneer::test
