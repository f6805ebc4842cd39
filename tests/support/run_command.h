// Running a program as a child and keeping all that it says.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "fs/base/unique_fd.h"

namespace veneer::test {

struct CommandResult {
  int status = -1;  // exit status; 128 + N if signal N ended it
  std::string out;
  std::string err;
};

// A program that runs. It has no standard input. Dropped before Wait, it is killed.
class Command {
 public:
  // Runs argv[0], found along PATH. `error_fd`: what it gets as standard error, -1 to keep what it says
  // there. Fails the test if it cannot be started.
  explicit Command(const std::vector<std::string>& argv, int error_fd = -1);
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;
  ~Command();

  pid_t pid() const { return pid_; }
  void Signal(int signal) const;
  bool Ended() const;

  // Waits for its end.
  CommandResult Wait();

 private:
  pid_t pid_ = -1;
  UniqueFd out_;
  UniqueFd err_;
};

inline CommandResult RunCommand(const std::vector<std::string>& argv) {
  return Command(argv).Wait();
}

}  // namespace veneer::test
