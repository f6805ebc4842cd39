#include "tests/catalog/child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "fs/base/bytes.h"
#include "fs/io/file_ops.h"
#include "tests/support/catch.h"

namespace veneer::catalog::testing {
namespace {

// Where the child finds its ends of the pipes.
constexpr int kToParent = 3;
constexpr int kFromParent = 4;
constexpr const char* kPathVariable = "VENEER_TEST_CATALOG";

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

Pipe NewPipe() {
  std::array<int, 2> fds{};
  REQUIRE(::pipe2(fds.data(), O_CLOEXEC) == 0);
  // Beyond the numbers that they get in the child.
  Pipe pipe{UniqueFd(::fcntl(fds[0], F_DUPFD_CLOEXEC, 10)), UniqueFd(::fcntl(fds[1], F_DUPFD_CLOEXEC, 10))};
  ::close(fds[0]);
  ::close(fds[1]);
  return pipe;
}

}  // namespace

Child::Child(const std::string& test_case, const std::string& path) {
  Pipe up = NewPipe();
  Pipe down = NewPipe();
  REQUIRE(::setenv(kPathVariable, path.c_str(), 1) == 0);
  pid_ = ::fork();
  REQUIRE(pid_ >= 0);
  if (pid_ == 0) {
    const std::array<const char*, 3> arguments = {"test_catalog", test_case.c_str(), nullptr};
    const int null = ::open("/dev/null", O_RDWR);
    ::dup2(null, 1);
    ::dup2(up.write.get(), kToParent);
    ::dup2(down.read.get(), kFromParent);
    ::execv("/proc/self/exe", const_cast<char* const*>(arguments.data()));
    ::_exit(127);
  }
  from_child_ = std::move(up.read);
  to_child_ = std::move(down.write);
}

Child::~Child() {
  Kill();
}

std::string Child::ReadLine() {
  std::string line;
  for (char c = 0; ::read(from_child_.get(), &c, 1) == 1 && c != '\n';) line += c;
  return line;
}

void Child::Go() {
  REQUIRE(::write(to_child_.get(), "g", 1) == 1);
}

void Child::Kill() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

bool Child::Join() {
  int status = 0;
  REQUIRE(::waitpid(pid_, &status, 0) == pid_);
  pid_ = -1;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

ChildSide::ChildSide() : to_parent_(kToParent), from_parent_(kFromParent) {
  const char* const path = std::getenv(kPathVariable);
  REQUIRE(path != nullptr);
  path_ = path;
}

void ChildSide::WriteLine(const std::string& line) const {
  REQUIRE_OK(io::WriteAll(to_parent_.get(), AsBytes(line + "\n"), "pipe"));
}

void ChildSide::Wait() const {
  char c = 0;
  REQUIRE(::read(from_parent_.get(), &c, 1) == 1);
}

}  // namespace veneer::catalog::testing
