// A reader whose device fails it, and who has copies.
#include <map>

#include "tests/support/catch.h"
#include "tests/support/faulty_file.h"
#include "tests/verity/hashed_image.h"

namespace veneer::verity {
namespace {

constexpr uint32_t kOwner = 7;

class Copies final : public SpareBlocks {
 public:
  bool Find(uint32_t owner, uint64_t block, io::BlockData& out) override {
    if (owner != kOwner || !blocks.contains(block)) return false;
    out = blocks.at(block);
    return true;
  }
  void Offer(uint32_t owner, uint64_t block, const io::BlockData& data) override {
    CHECK(owner == kOwner);
    blocks[block] = data;
  }
  void StoodIn(uint32_t owner, const Error& why) override {
    CHECK(owner == kOwner);
    reasons.push_back(why);
  }
  std::map<uint64_t, io::BlockData> blocks;
  std::vector<Error> reasons;
};

std::unique_ptr<VerifiedReader> Open(std::shared_ptr<const io::RandomAccessFile> file, const Layout& layout,
                                     Copies& copies, ReaderCounters& counters) {
  auto reader = VerifiedReader::Open(std::move(file), layout, std::make_shared<BlockCache>(1 << 20), kOwner,
                                     &counters, &copies);
  REQUIRE_OK(reader);
  return *std::move(reader);
}

std::unique_ptr<VerifiedReader> Open(const test::HashedImage& image, Copies& copies,
                                     ReaderCounters& counters) {
  return Open(image.file, image.layout, copies, counters);
}

TEST_CASE("what was read once by Block is there again on a device that has lost everything") {
  const uint64_t blocks = GENERATE(uint64_t{1}, uint64_t{129});
  test::HashedImage image = test::MakeHashedImage(blocks);
  const Bytes sound = image.file->bytes();
  Copies copies;
  ReaderCounters counters;
  const uint64_t block = blocks - 1;
  REQUIRE_OK(Open(image, copies, counters)->Block(block));
  // Superblock, block, and the hash blocks above it.
  CHECK(copies.blocks.size() == 2 + Geometry::For(blocks)->levels().size());

  std::fill(image.file->bytes().begin(), image.file->bytes().end(), uint8_t{0xEE});
  const auto reader = Open(image, copies, counters);
  const auto got = reader->Block(block);
  REQUIRE_OK(got);
  CHECK(
      std::equal((*got)->begin(), (*got)->end(), sound.begin() + static_cast<ptrdiff_t>(block * kBlockSize)));
  CHECK(counters.failures > 0);
  // File content has no copies.
  Bytes out(kBlockSize);
  REQUIRE_FAILS(ErrorCode::kCorrupt, reader->Read(block * kBlockSize, out));
  if (blocks > 1) REQUIRE_FAILS(ErrorCode::kCorrupt, reader->Block(0));
}

TEST_CASE("where a copy stands in for the device it is told why, whatever is wrong with that") {
  test::HashedImage image = test::MakeHashedImage(129);
  Copies copies;
  ReaderCounters counters;
  REQUIRE_OK(Open(image, copies, counters)->Block(0));
  CHECK(copies.reasons.empty());
  const auto sound = image.file;
  const auto failing = std::make_shared<test::FaultyFile>(sound);
  // The superblock, the root, a leaf and a block.
  const uint64_t tree = image.layout.tree_offset;
  for (const uint64_t offset : {tree, tree + kBlockSize, tree + 2 * kBlockSize, uint64_t{0}}) {
    copies.reasons.clear();
    failing->FailAt(offset + 9);
    REQUIRE_OK(Open(failing, image.layout, copies, counters)->Block(0));
    REQUIRE(copies.reasons.size() == 1);
    CHECK(copies.reasons.front().code() == ErrorCode::kIo);
    CHECK(copies.reasons.front().message() ==
          fmt::format("a.layer: the device failed at byte {}", offset + 9));
    failing->Heal();

    copies.reasons.clear();
    sound->bytes()[offset + 9] ^= 1;
    REQUIRE_OK(Open(image, copies, counters)->Block(0));
    REQUIRE(copies.reasons.size() == 1);
    CHECK(copies.reasons.front().code() != ErrorCode::kIo);
    sound->bytes()[offset + 9] ^= 1;
  }
}

TEST_CASE("a copy that is not what was signed is nothing") {
  test::HashedImage image = test::MakeHashedImage(129);
  Copies copies;
  ReaderCounters counters;
  REQUIRE_OK(Open(image, copies, counters)->Block(0));
  copies.blocks.at(0)[5] ^= 1;
  REQUIRE_OK(Open(image, copies, counters)->Block(0));  // the device is asked first, and mends the copy
  copies.blocks.at(0)[5] ^= 1;
  image.file->bytes()[9] ^= 1;
  const auto got = Open(image, copies, counters)->Block(0);
  REQUIRE_FAILS(ErrorCode::kCorrupt, got);
  CHECK(got.error().message() == "a.layer: block 0 does not match its signed hash");
}

}  // namespace
}  // namespace veneer::verity
