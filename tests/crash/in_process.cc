#include "tests/crash/in_process.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>

#include "tests/support/catch.h"
#include "tools/command_line.h"

namespace veneer::test {
namespace {

// Catches what this process writes to `fd` while the object lives.
class Catcher {
 public:
  explicit Catcher(int fd) : fd_(fd), before_(::dup(fd)), memory_(::memfd_create("output", MFD_CLOEXEC)) {
    Flush();
    REQUIRE(::dup2(memory_.get(), fd_) == fd_);
  }
  ~Catcher() {
    Flush();
    ::dup2(before_.get(), fd_);
  }
  Catcher(const Catcher&) = delete;
  Catcher& operator=(const Catcher&) = delete;

  std::string Text() const {
    Flush();
    std::string text(static_cast<size_t>(::lseek(memory_.get(), 0, SEEK_END)), '\0');
    REQUIRE(::pread(memory_.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
    return text;
  }

 private:
  static void Flush() {
    std::cout.flush();
    std::fflush(nullptr);
  }

  int fd_;
  UniqueFd before_;
  UniqueFd memory_;
};

}  // namespace

CommandResult RunInProcess(const std::string& store, const std::vector<std::string>& words,
                           const catalog::Medium& medium) {
  std::vector<const char*> argv = {"veneer", "--quiet", "--store", store.c_str()};
  for (const std::string& word : words) argv.push_back(word.c_str());
  CommandResult result;
  const Catcher out(STDOUT_FILENO);
  const Catcher err(STDERR_FILENO);
  result.status = tools::RunCommandLine(static_cast<int>(argv.size()), argv.data(), medium);
  result.out = out.Text();
  result.err = err.Text();
  return result;
}

}  // namespace veneer::test
