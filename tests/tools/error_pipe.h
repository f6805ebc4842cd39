// What a program says on its standard error, while it runs.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <string>

#include "fs/base/unique_fd.h"
#include "tests/support/catch.h"

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
  std::string ReadLine() const {
    std::string line;
    for (char c = 0; ::read(read_.get(), &c, 1) == 1 && c != '\n';) line += c;
    return line;
  }

 private:
  UniqueFd read_, write_;
};

}  // namespace veneer::test
