#include <csignal>
#include <cstdlib>

#include "fs/io/process.h"
#include "tests/support/catch.h"

namespace veneer::io {
namespace {

Status Shell(const std::string& script, const std::vector<std::string>& environment = {}) {
  return RunProgram({"sh", "-c", script}, environment);
}

TEST_CASE("a program that exits with 0 is fine") {
  REQUIRE_OK(RunProgram({"true"}));
  REQUIRE_OK(RunProgram({"/bin/sh", "-c", "test \"$1\" = 'a b' && test -z \"$2\"", "sh", "a b", ""}));
}

TEST_CASE("a program that fails is named, with its last words") {
  const Status status = Shell("echo first; echo 'last words' >&2; echo; exit 7");
  REQUIRE_FAILS(ErrorCode::kFailed, status);
  CHECK(status.error().message() == "sh: exited with 7: last words");
  CHECK(Shell("exit 3").error().message() == "sh: exited with 3");
}

TEST_CASE("a program that is not there is not found") {
  const Status status = RunProgram({"veneer-no-such-program"});
  REQUIRE_FAILS(ErrorCode::kNotFound, status);
  CHECK(status.error().message() == "veneer-no-such-program: No such file or directory");
}

TEST_CASE("a program that a signal ends") {
  const Status killed = Shell("kill -KILL $$");
  REQUIRE_FAILS(ErrorCode::kFailed, killed);
  CHECK(killed.error().message() == "sh: killed by signal 9");
  REQUIRE_FAILS(ErrorCode::kInterrupted, Shell("kill -INT $$"));
}

TEST_CASE("a program can be stopped though we block the signals") {
  sigset_t interrupt;
  sigset_t before;
  sigemptyset(&interrupt);
  sigaddset(&interrupt, SIGINT);
  REQUIRE(pthread_sigmask(SIG_BLOCK, &interrupt, &before) == 0);
  const Status status = Shell("kill -INT $$");
  REQUIRE(pthread_sigmask(SIG_SETMASK, &before, nullptr) == 0);
  REQUIRE_FAILS(ErrorCode::kInterrupted, status);
}

TEST_CASE("a program dies of a broken pipe though we ignore it") {
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  const Status status = Shell("kill -PIPE $$");
  std::signal(SIGPIPE, before);
  REQUIRE_FAILS(ErrorCode::kFailed, status);
}

TEST_CASE("the environment is ours, with what is added in its place") {
  REQUIRE(::setenv("VENEER_TEST_KEPT", "kept", 1) == 0);
  REQUIRE(::setenv("VENEER_TEST_REPLACED", "old", 1) == 0);
  REQUIRE_OK(
      Shell("test \"$VENEER_TEST_KEPT $VENEER_TEST_REPLACED $VENEER_TEST_NEW\" = 'kept new fresh=1' && "
            "test \"$(env | grep -c VENEER_TEST_REPLACED)\" = 1",
            {"VENEER_TEST_REPLACED=new", "VENEER_TEST_NEW=fresh=1"}));
  CHECK(std::string(std::getenv("VENEER_TEST_REPLACED")) == "old");
}

TEST_CASE("a program has no input, and may say more than a pipe holds") {
  REQUIRE_OK(Shell("test -z \"$(cat)\""));
  const Status status = Shell("yes | head -c 300000; printf '\\rprogress\\rthe end'; exit 1");
  REQUIRE_FAILS(ErrorCode::kFailed, status);
  CHECK(status.error().message() == "sh: exited with 1: the end");
}

}  // namespace
}  // namespace veneer::io
