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
  std::map<uint64_t, io::BlockData> blocks;
};

std::unique_ptr<VerifiedReader> Open(const test::HashedImage& image, Copies& copies,
                                     ReaderCounters& counters) {
  auto reader = VerifiedReader::Open(image.file, image.layout, std::make_shared<BlockCache>(1 << 20), kOwner,
                                     &counters, &copies);
  REQUIRE_OK(reader);
  return *std::move(reader);
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
