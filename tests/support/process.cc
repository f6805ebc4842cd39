#include "tests/support/process.h"

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "tests/support/until.h"

namespace veneer::test {
namespace {

namespace stdfs = std::filesystem;

std::string FolderOf(pid_t process) {
  return "/proc/" + std::to_string(process);
}

}  // namespace

bool Runs(pid_t process) {
  std::ostringstream text;
  text << std::ifstream(FolderOf(process) + "/status").rdbuf();
  const auto says = [status = text.str()](const char* line) {
    return status.find(line) != std::string::npos;
  };
  // The first thread may end before the others.
  return says("State:") && !(says("\nState:\tZ") && says("\nThreads:\t1\n"));
}

void Stop(pid_t process) {
  REQUIRE(::kill(process, SIGSTOP) == 0);
  Until("process " + std::to_string(process) + " to stand still", [&] {
    for (const auto& thread : stdfs::directory_iterator(FolderOf(process) + "/task")) {
      std::ostringstream text;
      text << std::ifstream(thread.path() / "status").rdbuf();
      if (text.str().find("State:\tT") == std::string::npos) return false;
    }
    return true;
  });
}

std::vector<pid_t> ChildrenOf(pid_t process) {
  std::ifstream list(FolderOf(process) + "/task/" + std::to_string(process) + "/children");
  return {std::istream_iterator<pid_t>(list), std::istream_iterator<pid_t>()};
}

void WaitForEnd(pid_t process) {
  Until("the end of process " + std::to_string(process), [&] { return !Runs(process); });
}

bool HasOpen(pid_t process, const std::string& prefix) {
  std::error_code ended;
  stdfs::directory_iterator fd(FolderOf(process) + "/fd", ended);
  for (; !ended && fd != stdfs::directory_iterator(); fd.increment(ended)) {
    std::error_code closed;
    if (stdfs::read_symlink(fd->path(), closed).string().starts_with(prefix)) return true;
  }
  return false;
}

void WaitForOpen(const Command& command, const std::string& prefix) {
  Until(prefix + " to be opened", [&] {
    if (command.Ended()) FAIL("ended before it had " << prefix << " open");
    return HasOpen(command.pid(), prefix);
  });
}

void LetWorkerLive() {
  constexpr std::chrono::milliseconds kLived{600};
  const auto begin = std::chrono::steady_clock::now();
  Until("the worker to have lived", [&] { return std::chrono::steady_clock::now() - begin > kLived; });
}

void KillEach(const std::vector<pid_t>& processes) {
  for (const pid_t process : processes) {
    REQUIRE(process > 0);
    REQUIRE(::kill(process, SIGKILL) == 0);
    WaitForEnd(process);
  }
}

void KillWorker(const std::function<pid_t()>& worker) {
  const pid_t before = worker();
  REQUIRE(before > 0);
  REQUIRE(::kill(before, SIGKILL) == 0);
  Until("another worker", [&] {
    const pid_t now = worker();
    return now != 0 && now != before;
  });
}

}  // namespace veneer::test
