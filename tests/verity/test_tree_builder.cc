// The tree is what veritysetup makes, and what it makes of it: the oracle.
#include <fcntl.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "fs/io/file_ops.h"
#include "fs/io/process.h"
#include "fs/verity/geometry.h"
#include "fs/verity/tree_builder.h"
#include "tests/support/catch.h"
#include "tests/support/faulty_file.h"
#include "tests/support/pattern.h"
#include "tests/support/scratch.h"

namespace veneer::verity {
namespace {

constexpr const char* kUuidText = "8f4d9a2e-3c71-4b06-9d5f-0123456789ab";
constexpr format::Uuid kUuid = {0x8f, 0x4d, 0x9a, 0x2e, 0x3c, 0x71, 0x4b, 0x06,
                                0x9d, 0x5f, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab};

void Append(Bytes& to, ByteSpan bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}

// Without the sync that the product would want.
Status WriteImage(const std::string& path, ByteSpan bytes) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  return io::WriteAll(fd.get(), bytes, path);
}

Status Verify(const std::string& path, uint64_t image_size, const Digest& root) {
  return io::RunProgram(
      {"veritysetup", "verify", path, path, ToHex(root), fmt::format("--hash-offset={}", image_size)});
}

// Asks veritysetup about the file with one bit flipped at byte `at`, and mends it.
Status VerifyFlipped(const std::string& path, uint64_t at, uint64_t image_size, const Digest& root) {
  const UniqueFd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  uint8_t byte = 0;
  REQUIRE(::pread(fd.get(), &byte, 1, static_cast<off_t>(at)) == 1);
  const auto flip = [&] {
    byte ^= 0x10;
    REQUIRE(::pwrite(fd.get(), &byte, 1, static_cast<off_t>(at)) == 1);
  };
  flip();
  const Status verified = Verify(path, image_size, root);
  flip();
  return verified;
}

TEST_CASE("the tree equals veritysetup's bit for bit") {
  const uint64_t blocks =
      GENERATE(uint64_t{1}, uint64_t{2}, uint64_t{127}, uint64_t{128}, uint64_t{129}, uint64_t{256},
               uint64_t{257}, uint64_t{3000}, uint64_t{16384}, uint64_t{16385});
  INFO(blocks << " data blocks");
  const test::Scratch scratch;
  const std::string path = scratch / "image";
  const Bytes image = test::Pattern(blocks * kBlockSize, blocks);
  REQUIRE_OK(WriteImage(path, image));
  const auto file = io::PosixFile::Open(path);
  REQUIRE_OK(file);
  const auto tree = BuildTree(**file, image.size(), kUuid);
  REQUIRE_OK(tree);

  REQUIRE_OK(io::RunProgram(
      {"veritysetup", "format", path, path, "--salt=-", fmt::format("--uuid={}", kUuidText),
       fmt::format("--hash-offset={}", image.size()), "--root-hash-file=" + scratch / "root"}));
  const auto theirs = io::ReadWholeFile(path, image.size() * 2 + kBlockSize);
  REQUIRE_OK(theirs);
  CHECK(ToHex(tree->root_hash) == AsText(*io::ReadWholeFile(scratch / "root", 64)));
  Bytes ours = image;
  Append(ours, tree->bytes);
  CHECK((ours == *theirs));  // in parentheses: not to be printed
}

TEST_CASE("veritysetup accepts the tree, and rejects a flipped bit of data or of any level") {
  const uint64_t blocks = GENERATE(uint64_t{1}, uint64_t{127}, uint64_t{128}, uint64_t{129}, uint64_t{300},
                                   uint64_t{16384}, uint64_t{16385});
  INFO(blocks << " data blocks");
  const test::Scratch scratch;
  const std::string path = scratch / "image";
  Bytes bytes = test::Pattern(blocks * kBlockSize);
  const uint64_t image_size = bytes.size();
  const auto tree = BuildTree(io::MemoryFile(bytes), image_size, kUuid);
  REQUIRE_OK(tree);
  Append(bytes, tree->bytes);
  REQUIRE_OK(WriteImage(path, bytes));
  REQUIRE_OK(Verify(path, image_size, tree->root_hash));

  std::vector<uint64_t> places = {0, image_size - 1};
  const Geometry geometry = *Geometry::For(blocks);
  for (const Level& level : geometry.levels()) {
    places.push_back(image_size + level.first_block * kBlockSize);
    places.push_back(image_size + (level.first_block + level.block_count - 1) * kBlockSize);
  }
  for (const uint64_t at : places) {
    INFO("byte " << at);
    CHECK_FALSE(VerifyFlipped(path, at, image_size, tree->root_hash));
  }
  REQUIRE_OK(Verify(path, image_size, tree->root_hash));
  Digest other = tree->root_hash;
  other[31] ^= 1;
  CHECK_FALSE(Verify(path, image_size, other));
}

TEST_CASE("only the image is hashed, not what follows it in the file") {
  const Bytes image = test::Pattern(5 * kBlockSize);
  Bytes longer = image;
  Append(longer, test::Pattern(10000, 1));
  const auto tree = BuildTree(io::MemoryFile(image), image.size(), kUuid);
  const auto same = BuildTree(io::MemoryFile(longer), image.size(), kUuid);
  REQUIRE_OK(tree);
  REQUIRE_OK(same);
  CHECK(same->root_hash == tree->root_hash);
  CHECK((same->bytes == tree->bytes));
}

TEST_CASE("a size that is no run of whole blocks in the file is refused") {
  const io::MemoryFile file(Bytes(2 * kBlockSize), "image");
  REQUIRE_FAILS(ErrorCode::kUsage, BuildTree(file, 0, kUuid));
  REQUIRE_FAILS(ErrorCode::kUsage, BuildTree(file, kBlockSize + 1, kUuid));
  REQUIRE_FAILS(ErrorCode::kUsage, BuildTree(file, 3 * kBlockSize, kUuid));
  REQUIRE_FAILS(ErrorCode::kUsage, BuildTree(file, uint64_t{1} << 63, kUuid));
}

TEST_CASE("a device that fails while it is hashed") {
  test::FaultyFile file(std::make_shared<io::MemoryFile>(Bytes(1000 * kBlockSize), "image"));
  file.FailAt(999 * kBlockSize + 5);
  REQUIRE_FAILS(ErrorCode::kIo, BuildTree(file, file.size(), kUuid));
  file.Heal();
  REQUIRE_OK(BuildTree(file, file.size(), kUuid));
}

}  // namespace
}  // namespace veneer::verity
