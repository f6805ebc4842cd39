// What a program says on its standard error, while it runs.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <string>

#include "fs/base/unique_fd.h"
#include "tests/support/until.h"

namespace veneer::test {

// Reads a line that a command writes to the end of a pipe that it has as its standard error.
class ErrorPipe {
 public:
  ErrorPipe() {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    read_.reset(ends[0]);
    write_.reset(ends[1]);
  }
  int write() const { return write_.get(); }
  // What there is of the line, if the command ends in its middle. From here on write() is none: the command
  // has the only such end.
  std::string ReadLine() {
    write_.reset();
    std::string line;
    for (char c = 0; c != '\n'; line += c) {
      UntilReadable("a line on standard error", read_.get());
      if (::read(read_.get(), &c, 1) != 1) return line;
    }
    line.pop_back();
    return line;
  }

 private:
  UniqueFd read_, write_;
};

}  // namespace veneer::test
