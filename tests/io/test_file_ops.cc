#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "fs/io/file_ops.h"
#include "tests/support/catch.h"
#include "tests/support/pattern.h"
#include "tests/support/scratch.h"

namespace veneer::io {
namespace {

size_t EntriesOf(const std::string& folder) {
  const std::filesystem::directory_iterator entries(folder);
  return static_cast<size_t>(std::distance(begin(entries), end(entries)));
}

unsigned ModeOf(const std::string& path) {
  struct stat st {};
  REQUIRE(::stat(path.c_str(), &st) == 0);
  return st.st_mode & 07777U;
}

TEST_CASE("a whole file is read, up to a limit") {
  const test::Scratch scratch;
  const Bytes bytes = test::Pattern(5000);
  REQUIRE_OK(WriteFileAtomically(scratch / "f", bytes));
  CHECK(*ReadWholeFile(scratch / "f", 5000) == bytes);
  REQUIRE_FAILS(ErrorCode::kCorrupt, ReadWholeFile(scratch / "f", 4999));
  REQUIRE_FAILS(ErrorCode::kNotFound, ReadWholeFile(scratch / "none", 1));
  REQUIRE_FAILS(ErrorCode::kCorrupt, ReadWholeFile(scratch.path(), 1));
}

TEST_CASE("an atomic file appears whole, with its mode, or not at all") {
  const test::Scratch scratch;
  const std::string path = scratch / "f";
  REQUIRE_OK(WriteFileAtomically(path, AsBytes("old"), 0640));
  CHECK(ModeOf(path) == 0640);
  {
    auto file = AtomicFile::Create(path);
    REQUIRE_OK(file);
    REQUIRE_OK(file->Write(AsBytes("new")));
    CHECK(AsText(*ReadWholeFile(path, 10)) == "old");
    const AtomicFile dropped = std::move(*file);
  }
  CHECK(AsText(*ReadWholeFile(path, 10)) == "old");
  CHECK(EntriesOf(scratch.path()) == 1);

  auto file = AtomicFile::Create(path, 0600);
  REQUIRE_OK(file);
  REQUIRE_OK(file->Write(AsBytes("ne")));
  REQUIRE_OK(file->Write(AsBytes("wer")));
  REQUIRE_OK(file->Commit());
  CHECK(AsText(*ReadWholeFile(path, 10)) == "newer");
  CHECK(ModeOf(path) == 0600);
  CHECK(EntriesOf(scratch.path()) == 1);
}

TEST_CASE("an atomic file that cannot be put in its place leaves nothing") {
  const test::Scratch scratch;
  REQUIRE_OK(MakeFolders(scratch / "folder/below"));
  CHECK_FALSE(WriteFileAtomically(scratch / "folder", AsBytes("x")));
  CHECK(EntriesOf(scratch.path()) == 1);
  REQUIRE_FAILS(ErrorCode::kNotFound, WriteFileAtomically(scratch / "none/f", AsBytes("x")));
}

TEST_CASE("a full device is told apart") {
  const UniqueFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  REQUIRE(full);
  const Status status = WriteAll(full.get(), AsBytes("x"), "f");
  REQUIRE_FAILS(ErrorCode::kNoSpace, status);
  CHECK(status.error().message() == "f: writing: No space left on device");
  REQUIRE_FAILS(ErrorCode::kIo, WriteAll(-1, AsBytes("x"), "f"));
}

TEST_CASE("a range is copied, from where it is asked to where the target stands") {
  const test::Scratch scratch;
  const Bytes bytes = test::Pattern(3 << 20);
  REQUIRE_OK(WriteFileAtomically(scratch / "from", bytes));
  const UniqueFd from(::open((scratch / "from").c_str(), O_RDONLY | O_CLOEXEC));
  auto to = AtomicFile::Create(scratch / "to");
  REQUIRE_OK(to);
  REQUIRE_OK(to->Write(AsBytes("head")));
  REQUIRE_OK(CopyRange(from.get(), 5, bytes.size() - 10, to->fd(), "to"));
  REQUIRE_OK(CopyRange(from.get(), 5, 0, to->fd(), "to"));
  REQUIRE_OK(to->Commit());
  const auto copy = ReadWholeFile(scratch / "to", bytes.size());
  REQUIRE_OK(copy);
  REQUIRE(copy->size() == 4 + bytes.size() - 10);
  CHECK(std::equal(bytes.begin() + 5, bytes.end() - 5, copy->begin() + 4));
}

TEST_CASE("a range is copied through memory where the kernel cannot") {
  const test::Scratch scratch;
  const Bytes bytes = test::Pattern(3 << 20);
  REQUIRE_OK(WriteFileAtomically(scratch / "from", bytes));
  const UniqueFd from(::open((scratch / "from").c_str(), O_RDONLY | O_CLOEXEC));
  // copy_file_range(2) refuses a target opened for appending.
  const std::string target = scratch / "to";
  const UniqueFd to(::open(target.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  REQUIRE_OK(CopyRange(from.get(), 1, bytes.size() - 1, to.get(), "to"));
  const auto copy = ReadWholeFile(target, bytes.size());
  REQUIRE_OK(copy);
  CHECK(std::equal(bytes.begin() + 1, bytes.end(), copy->begin(), copy->end()));
}

TEST_CASE("a copy from a file that ends early is corrupt") {
  const test::Scratch scratch;
  REQUIRE_OK(WriteFileAtomically(scratch / "from", Bytes(100, 1)));
  const UniqueFd from(::open((scratch / "from").c_str(), O_RDONLY | O_CLOEXEC));
  auto to = AtomicFile::Create(scratch / "to");
  REQUIRE_OK(to);
  REQUIRE_FAILS(ErrorCode::kCorrupt, CopyRange(from.get(), 50, 51, to->fd(), "to"));
  REQUIRE_FAILS(ErrorCode::kIo, CopyRange(-1, 0, 1, to->fd(), "to"));
}

TEST_CASE("missing folders are made, those that are there are left alone") {
  const test::Scratch scratch;
  REQUIRE_OK(MakeFolders(scratch / "a/b/c", 0700));
  CHECK(ModeOf(scratch / "a/b/c") == 0700);
  REQUIRE_OK(MakeFolders(scratch / "a/b", 0755));
  CHECK(ModeOf(scratch / "a/b") == 0700);
  REQUIRE_OK(MakeFolders(scratch / "x/y/"));
  CHECK(std::filesystem::is_directory(scratch / "x/y"));
  REQUIRE_OK(MakeFolders("/"));
  REQUIRE_OK(WriteFileAtomically(scratch / "f", {}));
  REQUIRE_FAILS(ErrorCode::kExists, MakeFolders(scratch / "f"));
  CHECK_FALSE(MakeFolders(scratch / "f/below"));
  CHECK_FALSE(MakeFolders(""));
}

TEST_CASE("a folder is synced, a folder that is not there is not") {
  const test::Scratch scratch;
  REQUIRE_OK(SyncFolder(scratch.path()));
  REQUIRE_FAILS(ErrorCode::kNotFound, SyncFolder(scratch / "none"));
}

TEST_CASE("a temporary folder goes with all that is in it") {
  const test::Scratch scratch;
  std::string path;
  {
    auto folder = TemporaryFolder::Create(scratch.path());
    REQUIRE_OK(folder);
    path = folder->path();
    CHECK(ModeOf(path) == 0700);
    REQUIRE_OK(MakeFolders(path + "/a/b"));
    REQUIRE_OK(WriteFileAtomically(path + "/a/f", AsBytes("x")));
    const TemporaryFolder moved = std::move(*folder);
    CHECK(moved.path() == path);
  }
  CHECK_FALSE(std::filesystem::exists(path));
  REQUIRE_FAILS(ErrorCode::kNotFound, TemporaryFolder::Create(scratch / "none"));
}

}  // namespace
}  // namespace veneer::io
