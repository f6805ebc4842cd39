// Holding up another process where it reads a file: a point at which a test knows what it has done, and what
// not.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <utility>

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

// Somebody who is held up where he reads, until this is dropped.
class HeldReader {
 public:
  HeldReader(int group, UniqueFd file, pid_t process)
      : group_(group), file_(std::move(file)), process_(process) {}
  ~HeldReader();
  HeldReader(HeldReader&& other) noexcept = default;
  HeldReader& operator=(HeldReader&&) = delete;

  pid_t process() const { return process_; }

 private:
  int group_;
  UniqueFd file_;  // what is read; -1: moved from
  pid_t process_;
};

// Holds up all who read a file, each until the test lets it go on. As for HeldReads.
class EachRead {
 public:
  explicit EachRead(const std::string& path);

  // One who is held up now, if anybody is. Must not outlive this.
  std::optional<HeldReader> Next() const;

 private:
  UniqueFd group_;
};

}  // namespace veneer::test
