#include <algorithm>
#include <atomic>
#include <limits>
#include <thread>

#include "fs/crypto/sha256.h"
#include "fs/verity/verified_reader.h"
#include "tests/support/catch.h"
#include "tests/support/faulty_file.h"
#include "tests/verity/hashed_image.h"

namespace veneer::verity {
namespace {

constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();

bool Equals(ByteSpan read, const Bytes& file, uint64_t offset) {
  return std::equal(read.begin(), read.end(), file.begin() + static_cast<ptrdiff_t>(offset));
}

Status Open(const test::HashedImage& image, const Layout& layout) {
  VENEER_TRY(VerifiedReader::Open(image.file, layout, std::make_shared<BlockCache>(1 << 20), 1));
  return {};
}

TEST_CASE("any range of the image is read as it is") {
  const uint64_t blocks = GENERATE(uint64_t{1}, uint64_t{2}, uint64_t{127}, uint64_t{128}, uint64_t{129},
                                   uint64_t{300}, uint64_t{16384}, uint64_t{16385});
  const test::HashedImage image = test::MakeHashedImage(blocks);
  const auto reader = test::OpenReader(image);
  const uint64_t size = reader->size();
  REQUIRE(size == blocks * kBlockSize);

  for (uint64_t offset :
       {uint64_t{0}, uint64_t{1}, uint64_t{4095}, uint64_t{4096}, size / 2 + 1, size - 5000}) {
    for (uint64_t length : {uint64_t{0}, uint64_t{1}, uint64_t{4095}, uint64_t{4096}, uint64_t{4097},
                            uint64_t{8192}, uint64_t{8193}, size / 2, size}) {
      if (!InBounds(offset, length, size)) continue;
      INFO(offset << "+" << length << " of " << size);
      Bytes out(length, 0xee);
      REQUIRE_OK(reader->Read(offset, out));
      CHECK(Equals(out, image.file->bytes(), offset));
    }
  }
  for (uint64_t block : {uint64_t{0}, blocks / 2, blocks - 1}) {
    const auto ref = reader->Block(block);
    REQUIRE_OK(ref);
    CHECK(Equals(**ref, image.file->bytes(), block * kBlockSize));
    CHECK(*reader->LeafDigest(block) == crypto::Sha256(**ref));
  }
}

TEST_CASE("nothing is read beyond the image, though the tree follows there") {
  const test::HashedImage image = test::MakeHashedImage(3);
  const auto reader = test::OpenReader(image);
  Bytes out(2, 0xee);
  REQUIRE_FAILS(ErrorCode::kCorrupt, reader->Read(3 * kBlockSize - 1, out));
  CHECK(out == Bytes(2));
  REQUIRE_FAILS(ErrorCode::kCorrupt, reader->Read(3 * kBlockSize, out));
  REQUIRE_FAILS(ErrorCode::kCorrupt, reader->Read(kMax, out));
  REQUIRE_OK(reader->Read(3 * kBlockSize, MutableByteSpan()));
  for (uint64_t block : {uint64_t{3}, uint64_t{4}, kMax / kBlockSize + 1, kMax}) {
    REQUIRE_FAILS(ErrorCode::kCorrupt, reader->Block(block));
    REQUIRE_FAILS(ErrorCode::kCorrupt, reader->LeafDigest(block));
  }
}

TEST_CASE("few reads of the file: one for whole blocks, one for each ragged edge") {
  const test::HashedImage image = test::MakeHashedImage(300);
  const auto file = std::make_shared<test::FaultyFile>(image.file);
  const auto reader = *VerifiedReader::Open(file, image.layout, std::make_shared<BlockCache>(1 << 20), 1);
  Bytes out(290 * kBlockSize);
  REQUIRE_OK(reader->Read(0, out));  // brings in the hash blocks
  file->TakeReads();
  REQUIRE_OK(reader->Read(5 * kBlockSize, out));
  CHECK(file->TakeReads() == 1);
  REQUIRE_OK(reader->Read(5 * kBlockSize + 1, out));
  CHECK(file->TakeReads() == 3);
  REQUIRE_OK(reader->Block(9));
  CHECK(file->TakeReads() == 1);
  REQUIRE_OK(reader->Block(9));  // kept
  REQUIRE_OK(reader->LeafDigest(9));
  CHECK(file->TakeReads() == 0);
}

TEST_CASE("what was verified is counted") {
  const test::HashedImage image = test::MakeHashedImage(129);
  const auto reader = test::OpenReader(image);
  Bytes out(129 * kBlockSize);
  REQUIRE_OK(reader->Read(0, out));
  CHECK(reader->counters().blocks_verified == 129 + 3);
  REQUIRE_OK(reader->Read(0, MutableByteSpan(out).first(10)));
  CHECK(reader->counters().blocks_verified == 129 + 3 + 1);
  CHECK(reader->counters().failures == 0);
  image.file->bytes()[0] ^= 1;
  REQUIRE_FAILS(ErrorCode::kCorrupt, reader->Read(0, out));
  CHECK(reader->counters().failures == 1);
}

TEST_CASE("a layout that the file contradicts is refused at open") {
  const test::HashedImage image = test::MakeHashedImage(200);
  const Layout good = image.layout;
  REQUIRE_OK(Open(image, good));
  const auto refused = [&](auto change, ErrorCode code = ErrorCode::kCorrupt) {
    Layout layout = good;
    change(layout);
    const Status status = Open(image, layout);
    REQUIRE_FAILS(code, status);
    CHECK(status.error().message().starts_with("a.layer: "));
  };
  refused([](Layout& l) { l.image_size -= 1; });
  refused([](Layout& l) { l.image_size += kBlockSize; });
  refused([](Layout& l) { l.image_size -= kBlockSize; });
  refused([](Layout& l) { l.image_size = l.tree_offset = 0; }, ErrorCode::kUnsupported);
  refused([](Layout& l) { l.image_size = l.tree_offset -= kBlockSize; });  // no superblock there
  refused([](Layout& l) { l.image_size = kMax; });
  refused([](Layout& l) { l.tree_offset -= 1; });
  refused([](Layout& l) { l.tree_offset += kBlockSize; });
  refused([](Layout& l) { l.tree_offset = kMax - kBlockSize + 1; });
  refused([](Layout& l) { l.tree_size -= kBlockSize; });
  refused([](Layout& l) { l.tree_size += kBlockSize; });
  refused([](Layout& l) { l.tree_size = kMax; });
}

TEST_CASE("a tree with a gap before it is refused, though all of it is there") {
  const size_t gap = GENERATE(size_t{1}, size_t{kBlockSize});
  test::HashedImage image = test::MakeHashedImage(200);
  Bytes& bytes = image.file->bytes();
  bytes.insert(bytes.begin() + static_cast<ptrdiff_t>(image.layout.image_size), gap, uint8_t{0});
  Layout layout = image.layout;
  layout.tree_offset += gap;
  REQUIRE_FAILS(ErrorCode::kCorrupt, Open(image, layout));
  layout.image_size += gap;
  REQUIRE_FAILS(ErrorCode::kCorrupt, Open(image, layout));
}

TEST_CASE("a file without its last byte is refused at open") {
  const test::HashedImage image = test::MakeHashedImage(200);
  image.file->bytes().pop_back();
  REQUIRE_FAILS(ErrorCode::kCorrupt, Open(image, image.layout));
  image.file->bytes().clear();
  REQUIRE_FAILS(ErrorCode::kCorrupt, Open(image, image.layout));
}

TEST_CASE("a superblock that does not belong is refused at open") {
  const test::HashedImage image = test::MakeHashedImage(200);
  uint8_t* const superblock = image.file->bytes().data() + image.layout.tree_offset;
  superblock[72] ^= 1;  // data blocks
  REQUIRE_FAILS(ErrorCode::kCorrupt, Open(image, image.layout));
  superblock[72] ^= 1;
  superblock[0] ^= 1;  // signature
  REQUIRE_FAILS(ErrorCode::kCorrupt, Open(image, image.layout));
  superblock[0] ^= 1;
  superblock[80] = 1;  // salt
  REQUIRE_FAILS(ErrorCode::kUnsupported, Open(image, image.layout));
  superblock[80] = 0;
  superblock[4095] = 1;  // behind the superblock
  REQUIRE_FAILS(ErrorCode::kCorrupt, Open(image, image.layout));
  superblock[4095] = 0;
  REQUIRE_OK(Open(image, image.layout));
}

TEST_CASE("a device that fails is not damage, and is believed again once it works") {
  const test::HashedImage image = test::MakeHashedImage(300);
  const auto file = std::make_shared<test::FaultyFile>(image.file);
  const auto cache = std::make_shared<BlockCache>(1 << 20);

  file->FailAt(image.layout.tree_offset + 100);
  REQUIRE_FAILS(ErrorCode::kIo, VerifiedReader::Open(file, image.layout, cache, 1));
  file->Heal();
  const auto reader = *VerifiedReader::Open(file, image.layout, cache, 1);
  Bytes out(3 * kBlockSize - 10, 0xee);
  // Data in the middle, at either ragged edge, then hash blocks from the leaves' to the root's.
  for (uint64_t bad : {2 * kBlockSize + 7, kBlockSize + 5, 4 * kBlockSize - 1}) {
    file->FailAt(bad);
    std::fill(out.begin(), out.end(), uint8_t{0xee});
    REQUIRE_FAILS(ErrorCode::kIo, reader->Read(kBlockSize + 5, out));
    CHECK(out == Bytes(out.size()));
  }
  REQUIRE_FAILS(ErrorCode::kIo, reader->Block(3));
  for (uint64_t tree_block : {uint64_t{4}, uint64_t{1}}) {
    file->FailAt(image.layout.tree_offset + tree_block * kBlockSize);
    REQUIRE_FAILS(ErrorCode::kIo, VerifiedReader::Open(file, image.layout, std::make_shared<BlockCache>(0), 1)
                                      .value()
                                      ->LeafDigest(299));
  }
  CHECK(reader->counters().failures == 0);
  file->Heal();
  REQUIRE_OK(reader->Read(kBlockSize + 5, out));
  CHECK(Equals(out, image.file->bytes(), kBlockSize + 5));
}

TEST_CASE("readers of several layers share a cache without meeting") {
  const auto cache = std::make_shared<BlockCache>(1 << 20);
  const test::HashedImage one = test::MakeHashedImage(200, 1);
  const test::HashedImage two = test::MakeHashedImage(200, 2);
  const auto first = *VerifiedReader::Open(one.file, one.layout, cache, 1);
  const auto second = *VerifiedReader::Open(two.file, two.layout, cache, 2);
  for (uint64_t block = 0; block < 200; ++block) {
    CHECK(Equals(**first->Block(block), one.file->bytes(), block * kBlockSize));
    CHECK(Equals(**second->Block(block), two.file->bytes(), block * kBlockSize));
  }
}

TEST_CASE("many threads read one layer, damaged in one block, through a cache that is too small") {
  const uint64_t blocks = 1000;
  const uint64_t bad = 517;
  const test::HashedImage image = test::MakeHashedImage(blocks);
  image.file->bytes()[bad * kBlockSize + 9] ^= 4;
  const auto reader = test::OpenReader(image, 4 * kBlockSize);
  std::atomic<int> wrong{0};
  std::atomic<int> failed{0};
  const auto read = [&](uint64_t thread) {
    Bytes out;
    for (uint64_t i = 0; i < 300; ++i) {
      const uint64_t random = test::Scramble(thread << 32 | i);
      const uint64_t offset = random % (blocks * kBlockSize);
      out.resize(std::min((random >> 32) % 40000, blocks * kBlockSize - offset));
      const Status status = reader->Read(offset, out);
      const bool covers_bad =
          !out.empty() && offset < (bad + 1) * kBlockSize && offset + out.size() > bad * kBlockSize;
      if (status.has_value() == covers_bad) ++wrong;
      if (!status) ++failed;
      if (status && !Equals(out, image.file->bytes(), offset)) ++wrong;
      const auto block = reader->Block(random % blocks);
      if (block.has_value() == (random % blocks == bad)) ++wrong;
      if (block && !Equals(**block, image.file->bytes(), random % blocks * kBlockSize)) ++wrong;
    }
  };
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < 8; ++t) threads.emplace_back(read, t);
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
  CHECK(failed > 0);
}

}  // namespace
}  // namespace veneer::verity
