#include "fs/io/process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>

#include "fs/base/cancel.h"
#include "fs/base/unique_fd.h"

extern char** environ;

namespace veneer::io {
namespace {

// Our environment with `added` in front, where the first of a name counts.
std::vector<char*> EnvironmentWith(std::vector<std::string>& added) {
  std::vector<char*> environment;
  for (std::string& entry : added) environment.push_back(entry.data());
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view name(*entry, std::strcspn(*entry, "="));
    bool replaced = false;
    for (const std::string& other : added) replaced = replaced || other.substr(0, other.find('=')) == name;
    if (!replaced) environment.push_back(*entry);
  }
  environment.push_back(nullptr);
  return environment;
}

// A program that is started gets no signal blocked, and SIGPIPE as by default, whatever this process has done
// for itself: otherwise a blocked SIGINT would make it deaf to the person who wants to stop it. Other signals
// stay ignored if they are, which is how nohup works.
class SpawnAttributes {
 public:
  SpawnAttributes() {
    sigset_t none;
    sigset_t broken_pipe;
    sigemptyset(&none);
    sigemptyset(&broken_pipe);
    sigaddset(&broken_pipe, SIGPIPE);
    posix_spawnattr_init(&attributes_);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &broken_pipe);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  SpawnAttributes(const SpawnAttributes&) = delete;
  SpawnAttributes& operator=(const SpawnAttributes&) = delete;
  ~SpawnAttributes() { posix_spawnattr_destroy(&attributes_); }

  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

// Reads `fd` to its end and keeps the tail. A stop that is asked for kills `pid`, which then ends it.
std::string ReadTail(int fd, pid_t pid) {
  std::string tail;
  std::array<char, 4096> buffer{};
  pollfd readable{fd, POLLIN, 0};
  for (;;) {
    if (CancelRequested()) {
      ::kill(pid, SIGKILL);
      return tail;
    }
    if (::poll(&readable, 1, kCancelPollMilliseconds) <= 0) continue;
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return tail;
    tail.append(buffer.data(), static_cast<size_t>(n));
    if (tail.size() > 16384) tail.erase(0, tail.size() - 8192);
  }
}

std::string LastLine(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.pop_back();
  const size_t start = text.find_last_of("\r\n");
  return start == std::string::npos ? text : text.substr(start + 1);
}

}  // namespace

Status RunProgram(const std::vector<std::string>& arguments, const std::vector<std::string>& environment) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return FailErrno(errno, "pipe");
  const UniqueFd output(ends[0]);
  UniqueFd input(ends[1]);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, input.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, input.get(), STDERR_FILENO);

  const SpawnAttributes attributes;
  std::vector<std::string> words = arguments;
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::vector<std::string> added = environment;
  std::vector<char*> envp = EnvironmentWith(added);

  pid_t pid = -1;
  const int error = ::posix_spawnp(&pid, argv[0], &actions, attributes.get(), argv.data(), envp.data());
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return FailErrno(error, arguments[0]);

  input.reset();
  const std::string said = LastLine(ReadTail(output.get(), pid));
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return FailErrno(errno, arguments[0]);
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  VENEER_TRY(CheckCancel());  // its failure is the stop's doing: ours, or the terminal's, which tells all
  if (WIFSIGNALED(status)) {
    const ErrorCode code = WTERMSIG(status) == SIGINT ? ErrorCode::kInterrupted : ErrorCode::kFailed;
    return Fail(code, "{}: killed by signal {}", arguments[0], WTERMSIG(status));
  }
  return Fail(ErrorCode::kFailed, "{}: exited with {}{}{}", arguments[0], WEXITSTATUS(status),
              said.empty() ? "" : ": ", said);
}

UniqueFd OpenProcess(pid_t pid) {
  return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

}  // namespace veneer::io
