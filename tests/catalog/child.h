// A second process for a test: this program again, running one hidden test case of it.
#pragma once

#include <sys/types.h>

#include <string>

#include "fs/base/unique_fd.h"

namespace veneer::catalog::testing {

// Started with fork and exec, so that RocksDB begins anew in it. Killed, if it still runs, when the object
// goes.
class Child {
 public:
  // `test_case`: the name of the hidden test case, which finds `path` and its ends of two pipes by ChildSide.
  Child(const std::string& test_case, const std::string& path);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // The next line from the child, without its newline; empty when it has closed its end.
  std::string ReadLine();
  // Lets the child's Wait return.
  void Go();
  // Kills it at once and waits until it is gone.
  void Kill();
  // Waits for it; whether its test case passed.
  bool Join();

 private:
  pid_t pid_ = -1;
  UniqueFd from_child_;
  UniqueFd to_child_;
};

// The same from within. Only for the hidden test cases.
class ChildSide {
 public:
  ChildSide();
  const std::string& path() const { return path_; }
  void WriteLine(const std::string& line) const;
  void Wait() const;

 private:
  std::string path_;
  UniqueFd to_parent_;
  UniqueFd from_parent_;
};

}  // namespace veneer::catalog::testing
