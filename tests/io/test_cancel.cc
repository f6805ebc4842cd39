#include <fcntl.h>
#include <sys/stat.h>

#include <csignal>
#include <thread>

#include "fs/io/file_ops.h"
#include "fs/io/process.h"
#include "tests/support/catch.h"
#include "tests/support/scoped_cancel.h"
#include "tests/support/scratch.h"

namespace veneer::io {
namespace {

TEST_CASE("a copy stops, and its file goes") {
  const test::Scratch scratch;
  REQUIRE_OK(WriteFileAtomically(scratch / "from", Bytes(100000)));
  const UniqueFd from(::open((scratch / "from").c_str(), O_RDONLY | O_CLOEXEC));
  const auto copy = [&]() -> Status {
    VENEER_ASSIGN(AtomicFile to, AtomicFile::Create(scratch / "to"));
    VENEER_TRY(CopyRange(from.get(), 0, 100000, to.fd(), "from"));
    return to.Commit();
  };
  {
    const test::ScopedCancel cancel;
    REQUIRE_FAILS(ErrorCode::kInterrupted, copy());
  }
  struct stat st {};
  CHECK(::stat((scratch / "to").c_str(), &st) != 0);
  const std::filesystem::directory_iterator files(scratch.path());
  CHECK(std::distance(begin(files), end(files)) == 1);
  REQUIRE_OK(copy());
}

TEST_CASE("a program that runs is killed, and gone when that is told") {
  const test::Scratch scratch;
  const std::string fifo = scratch / "fifo";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  // The program says its pid, and then would never end.
  std::string pid;
  std::thread stopper([&] {
    const UniqueFd fd(::open(fifo.c_str(), O_RDONLY | O_CLOEXEC));
    char c = 0;
    while (::read(fd.get(), &c, 1) == 1 && c != '\n') pid += c;
    SetCancelRequested(true);
  });
  const Status status = RunProgram({"sh", "-c", "echo $$ >'" + fifo + "'; exec sleep 1000000"});
  stopper.join();
  SetCancelRequested(false);
  REQUIRE_FAILS(ErrorCode::kInterrupted, status);
  REQUIRE_FALSE(pid.empty());
  CHECK(::kill(std::stoi(pid), 0) != 0);
}

}  // namespace
}  // namespace veneer::io
