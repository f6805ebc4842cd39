// A changed bit, wherever it is, is never served, and what it does not touch still is.
#include <algorithm>
#include <set>

#include "fs/verity/geometry.h"
#include "fs/verity/verified_reader.h"
#include "tests/support/catch.h"
#include "tests/verity/hashed_image.h"

namespace veneer::verity {
namespace {

// Three levels: 129 leaf hash blocks, 2 in the middle, and the root's. Made once; each test mends what it
// damaged.
const test::HashedImage& BigImage() {
  static const test::HashedImage image = test::MakeHashedImage(16385);
  return image;
}

// One bit of the file, flipped for as long as this lives.
class Flipped {
 public:
  Flipped(const test::HashedImage& image, uint64_t at, uint8_t bit = 0x20)
      : byte_(image.file->bytes()[at]), bit_(bit) {
    byte_ ^= bit_;
  }
  Flipped(const Flipped&) = delete;
  Flipped& operator=(const Flipped&) = delete;
  ~Flipped() { byte_ ^= bit_; }

 private:
  uint8_t& byte_;
  uint8_t bit_;
};

// Each way to read `block` fails with `message`, and nothing of it comes out.
void CheckRefused(const VerifiedReader& reader, uint64_t block, const std::string& message) {
  INFO("block " << block);
  Bytes out(kBlockSize, 0xee);
  const Status whole = reader.Read(block * kBlockSize, out);
  REQUIRE_FAILS(ErrorCode::kCorrupt, whole);
  CHECK(whole.error().message() == message);
  CHECK(out == Bytes(kBlockSize));

  Bytes piece(10, 0xee);
  const Status ragged = reader.Read(block * kBlockSize + 100, piece);
  REQUIRE_FAILS(ErrorCode::kCorrupt, ragged);
  CHECK(ragged.error().message() == message);
  CHECK(piece == Bytes(10));

  const auto ref = reader.Block(block);
  REQUIRE_FAILS(ErrorCode::kCorrupt, ref);
  CHECK(ref.error().message() == message);
}

void CheckServed(const VerifiedReader& reader, const test::HashedImage& image, uint64_t block) {
  INFO("block " << block);
  Bytes out(kBlockSize);
  REQUIRE_OK(reader.Read(block * kBlockSize, out));
  CHECK(std::equal(out.begin(), out.end(),
                   image.file->bytes().begin() + static_cast<ptrdiff_t>(block * kBlockSize)));
}

TEST_CASE("damaged data: the first, a middle and the last block, at their first and last byte") {
  const test::HashedImage& image = BigImage();
  for (uint64_t block : {0U, 127U, 128U, 8000U, 16384U}) {
    for (uint64_t at : {0U, 2000U, kBlockSize - 1}) {
      const Flipped flipped(image, block * kBlockSize + at);
      const auto reader = test::OpenReader(image);
      CheckRefused(*reader, block, fmt::format("a.layer: block {} does not match its signed hash", block));
      REQUIRE_OK(reader->LeafDigest(block));
      if (block > 0) CheckServed(*reader, image, block - 1);
      if (block < 16384) CheckServed(*reader, image, block + 1);
    }
  }
}

TEST_CASE("damaged data within a long read: nothing of the read comes out") {
  const test::HashedImage& image = BigImage();
  for (uint64_t bad : {10U, 150U, 299U}) {
    const Flipped flipped(image, bad * kBlockSize + 1);
    const auto reader = test::OpenReader(image);
    for (uint64_t skip : {0U, 1U}) {
      Bytes out(290 * kBlockSize, 0xee);
      REQUIRE_FAILS(ErrorCode::kCorrupt, reader->Read(10 * kBlockSize + skip, out));
      CHECK((out == Bytes(out.size())));
    }
  }
}

TEST_CASE("a damaged tree: each level, the first, a middle and the last block") {
  const uint64_t blocks =
      GENERATE(uint64_t{127}, uint64_t{128}, uint64_t{129}, uint64_t{16384}, uint64_t{16385});
  INFO(blocks << " data blocks");
  const test::HashedImage image = blocks == 16385 ? BigImage() : test::MakeHashedImage(blocks);
  const Geometry geometry = *Geometry::For(blocks);
  uint64_t span = kDigestsPerBlock;  // image blocks below one hash block
  for (const Level& level : geometry.levels()) {
    for (uint64_t index : std::set<uint64_t>{0, level.block_count / 2, level.block_count - 1}) {
      const uint64_t hash_block = level.first_block + index;
      INFO("hash block " << hash_block);
      // Its last byte is padding in the last block of the lower levels: that counts too.
      for (uint64_t at : {0U, kBlockSize - 1}) {
        const Flipped flipped(image, image.layout.tree_offset + hash_block * kBlockSize + at);
        const auto reader = test::OpenReader(image);
        const std::string message =
            fmt::format("a.layer: hash tree block {} does not match its signed hash", hash_block);
        const uint64_t begin = index * span;
        const uint64_t end = std::min<uint64_t>((index + 1) * span, blocks);
        CheckRefused(*reader, begin, message);
        CheckRefused(*reader, end - 1, message);
        REQUIRE_FAILS(ErrorCode::kCorrupt, reader->LeafDigest(begin));
        if (begin > 0) CheckServed(*reader, image, begin - 1);
        if (end < blocks) CheckServed(*reader, image, end);
      }
    }
    span *= kDigestsPerBlock;
  }
}

TEST_CASE("the root hash of another image, or its tree, or its data") {
  test::HashedImage ours = test::MakeHashedImage(300, 1);
  const test::HashedImage other = test::MakeHashedImage(300, 2);
  {
    test::HashedImage mixed = ours;
    mixed.layout.root_hash = other.layout.root_hash;
    CheckRefused(*test::OpenReader(mixed), 0, "a.layer: hash tree block 1 does not match its signed hash");
  }
  const auto tree = static_cast<ptrdiff_t>(ours.layout.tree_offset);
  std::copy(other.file->bytes().begin() + tree, other.file->bytes().end(), ours.file->bytes().begin() + tree);
  CheckRefused(*test::OpenReader(ours), 0, "a.layer: hash tree block 1 does not match its signed hash");

  // With data and tree of the other all would fit, but for the root hash that was signed.
  std::copy(other.file->bytes().begin(), other.file->bytes().end(), ours.file->bytes().begin());
  CheckRefused(*test::OpenReader(ours), 299, "a.layer: hash tree block 1 does not match its signed hash");
}

TEST_CASE("an image of one block has the root hash for its only digest") {
  const test::HashedImage image = test::MakeHashedImage(1);
  const auto reader = test::OpenReader(image);
  CheckServed(*reader, image, 0);
  const Flipped flipped(image, 4095, 1);
  CheckRefused(*reader, 0, "a.layer: block 0 does not match its signed hash");
}

TEST_CASE("blocks that changed places are not served") {
  const test::HashedImage image = test::MakeHashedImage(300);
  Bytes& bytes = image.file->bytes();
  std::swap_ranges(bytes.begin(), bytes.begin() + kBlockSize, bytes.begin() + 200 * kBlockSize);
  const auto reader = test::OpenReader(image);
  CheckRefused(*reader, 0, "a.layer: block 0 does not match its signed hash");
  CheckRefused(*reader, 200, "a.layer: block 200 does not match its signed hash");

  // Nor are leaf hash blocks, together with all of the data below them.
  const test::HashedImage swapped = test::MakeHashedImage(256);
  Bytes& all = swapped.file->bytes();
  const auto half = static_cast<ptrdiff_t>(128 * kBlockSize);
  std::swap_ranges(all.begin(), all.begin() + half, all.begin() + half);
  const auto leaves = all.begin() + 2 * half + 2 * kBlockSize;
  std::swap_ranges(leaves, leaves + kBlockSize, leaves + kBlockSize);
  CheckRefused(*test::OpenReader(swapped), 0, "a.layer: hash tree block 2 does not match its signed hash");
}

TEST_CASE("data that changes under a reader is seen at the next read") {
  const test::HashedImage image = test::MakeHashedImage(300);
  const auto reader = test::OpenReader(image);
  CheckServed(*reader, image, 5);
  {
    const Flipped flipped(image, 5 * kBlockSize + 77);
    CheckRefused(*reader, 5, "a.layer: block 5 does not match its signed hash");
  }
  CheckServed(*reader, image, 5);
}

TEST_CASE("a tree that changes under a reader does no harm while its verified blocks are kept") {
  const test::HashedImage image = test::MakeHashedImage(300);
  const auto reader = test::OpenReader(image);
  CheckServed(*reader, image, 5);
  const Flipped flipped(image, image.layout.tree_offset + 2 * kBlockSize);
  CheckServed(*reader, image, 6);
  CheckServed(*reader, image, 299);
  CheckRefused(*test::OpenReader(image), 6, "a.layer: hash tree block 2 does not match its signed hash");
}

TEST_CASE("a block that was kept is what was verified, whatever the file holds now") {
  const test::HashedImage image = test::MakeHashedImage(300);
  const auto reader = test::OpenReader(image);
  const io::BlockRef before = *reader->Block(5);
  const Flipped flipped(image, 5 * kBlockSize);
  Bytes out(1);
  CHECK(*reader->Block(5) == before);
  REQUIRE_FAILS(ErrorCode::kCorrupt, reader->Read(5 * kBlockSize, out));
}

TEST_CASE("a file cut short after it was opened") {
  const test::HashedImage image = test::MakeHashedImage(300);
  const auto reader = test::OpenReader(image);
  CheckServed(*reader, image, 5);
  image.file->bytes().resize(100 * kBlockSize + 1);
  CheckServed(*reader, image, 99);
  Bytes out(kBlockSize, 0xee);
  REQUIRE_FAILS(ErrorCode::kCorrupt, reader->Read(100 * kBlockSize, out));
  CHECK(out == Bytes(kBlockSize));
  REQUIRE_FAILS(ErrorCode::kCorrupt, reader->Block(200));
}

}  // namespace
}  // namespace veneer::verity
