#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <limits>

#include "fs/io/random_access_file.h"
#include "tests/support/catch.h"
#include "tests/support/faulty_file.h"
#include "tests/support/pattern.h"
#include "tests/support/scratch.h"

namespace veneer::io {
namespace {

// What both kinds of file promise, over `bytes`.
void CheckReads(const RandomAccessFile& file, const Bytes& bytes) {
  REQUIRE(file.size() == bytes.size());
  Bytes out(bytes.size());
  REQUIRE_OK(file.ReadExact(0, out));
  CHECK(out == bytes);
  out.resize(7);
  REQUIRE_OK(file.ReadExact(bytes.size() - 7, out));
  CHECK(std::equal(out.begin(), out.end(), bytes.end() - 7));
  REQUIRE_OK(file.ReadExact(bytes.size(), MutableByteSpan()));

  REQUIRE_FAILS(ErrorCode::kCorrupt, file.ReadExact(bytes.size() - 6, out));
  REQUIRE_FAILS(ErrorCode::kCorrupt, file.ReadExact(bytes.size(), out));
  REQUIRE_FAILS(ErrorCode::kCorrupt, file.ReadExact(std::numeric_limits<int64_t>::max() - 3, out));
  REQUIRE_FAILS(ErrorCode::kCorrupt, file.ReadExact(std::numeric_limits<uint64_t>::max() - 3, out));
}

TEST_CASE("a file of the system's is read at any offset") {
  const test::Scratch scratch;
  const Bytes bytes = test::Pattern(10000);
  REQUIRE_OK(WriteFileAtomically(scratch / "f", bytes));
  const auto file = PosixFile::Open(scratch / "f");
  REQUIRE_OK(file);
  CHECK((*file)->name() == scratch / "f");
  CHECK((::fcntl((*file)->fd(), F_GETFD) & FD_CLOEXEC) != 0);
  CheckReads(**file, bytes);
}

TEST_CASE("a file in memory is read at any offset") {
  const Bytes bytes = test::Pattern(10000);
  CheckReads(MemoryFile(bytes), bytes);
}

TEST_CASE("a read that gives less than was asked for goes on") {
  // The list of a process's own mappings comes a page at a time; here it is of many pages.
  constexpr size_t kMappings = 1000;
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  void* const mapped = ::mmap(nullptr, kMappings * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(mapped != MAP_FAILED);
  for (size_t i = 0; i < kMappings; i += 2)
    REQUIRE(::mprotect(static_cast<char*>(mapped) + i * page, page, PROT_READ) == 0);
  const auto file = PosixFile::Open("/proc/self/maps");
  REQUIRE_OK(file);
  std::ifstream again("/proc/self/maps");
  std::string wanted(20000, '\0');
  Bytes read(wanted.size());
  REQUIRE(::pread((*file)->fd(), read.data(), read.size(), 0) < static_cast<ssize_t>(read.size()));
  // Nothing is allocated from here to the last read: that might add to the list.
  again.read(wanted.data(), static_cast<std::streamsize>(wanted.size()));
  const Status status = (*file)->ReadExact(0, read);
  ::munmap(mapped, kMappings * page);
  REQUIRE_OK(status);
  CHECK(again.gcount() == static_cast<std::streamsize>(wanted.size()));
  CHECK(std::equal(wanted.begin(), wanted.end(), read.begin(), read.end()));
}

TEST_CASE("a file that became shorter is corrupt from there on") {
  const test::Scratch scratch;
  REQUIRE_OK(WriteFileAtomically(scratch / "f", Bytes(10000, 1)));
  const auto file = PosixFile::Open(scratch / "f");
  REQUIRE_OK(file);
  REQUIRE(::truncate((scratch / "f").c_str(), 5000) == 0);
  Bytes out(5000);
  REQUIRE_OK((*file)->ReadExact(0, out));
  const Status status = (*file)->ReadExact(1, out);
  REQUIRE_FAILS(ErrorCode::kCorrupt, status);
  CHECK(status.error().message() == scratch / "f" + ": ends at byte 5000, before what it should hold");
}

TEST_CASE("only a regular file is opened, and nothing blocks") {
  const test::Scratch scratch;
  REQUIRE_FAILS(ErrorCode::kNotFound, PosixFile::Open(scratch / "none"));
  REQUIRE_FAILS(ErrorCode::kCorrupt, PosixFile::Open(scratch.path()));
  REQUIRE_FAILS(ErrorCode::kCorrupt, PosixFile::Open("/dev/null"));
  REQUIRE(::mkfifo((scratch / "fifo").c_str(), 0600) == 0);
  REQUIRE_FAILS(ErrorCode::kCorrupt, PosixFile::Open(scratch / "fifo"));
  REQUIRE_OK(WriteFileAtomically(scratch / "f", {}));
  REQUIRE(::symlink("f", (scratch / "link").c_str()) == 0);
  REQUIRE_FAILS(ErrorCode::kCorrupt, PosixFile::Open(scratch / "link"));
  REQUIRE_FAILS(ErrorCode::kIo, PosixFile::FromFd(UniqueFd(), "closed"));
}

TEST_CASE("a device that fails is not a corrupt file") {
  const test::Scratch scratch;
  // A descriptor that cannot be read.
  const auto file =
      PosixFile::FromFd(UniqueFd(::open((scratch / "f").c_str(), O_WRONLY | O_CREAT, 0600)), "f");
  REQUIRE_OK(file);
  Bytes out(1);
  REQUIRE_FAILS(ErrorCode::kIo, (*file)->ReadExact(0, out));
}

TEST_CASE("the faulty twin fails where it is told to, and counts") {
  test::FaultyFile file(std::make_shared<MemoryFile>(Bytes(100, 7)));
  Bytes out(10);
  file.FailAt(20);
  REQUIRE_OK(file.ReadExact(10, out));
  REQUIRE_OK(file.ReadExact(21, out));
  REQUIRE_FAILS(ErrorCode::kIo, file.ReadExact(11, out));
  REQUIRE_FAILS(ErrorCode::kIo, file.ReadExact(20, out));
  file.Heal();
  REQUIRE_OK(file.ReadExact(20, out));
  CHECK(file.TakeReads() == 5);
  CHECK(file.TakeReads() == 0);
}

}  // namespace
}  // namespace veneer::io
