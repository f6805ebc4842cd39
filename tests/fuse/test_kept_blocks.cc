#include "fs/fuse/kept_blocks.h"

#include <memory>
#include <thread>

#include "tests/support/catch.h"

namespace veneer::fuse {
namespace {

io::BlockData Filled(uint8_t byte) {
  io::BlockData data;
  data.fill(byte);
  return data;
}

TEST_CASE("what is offered while one keeps, and on that thread, is there for the next process") {
  const auto shared = std::make_unique<SharedBlocks>();
  KeptBlocks first(*shared);
  first.Offer(0, 0, Filled(1));
  {
    const KeptBlocks::Keeping keeping;
    first.Offer(0, 5, Filled(2));
    first.Offer(65535, 1ULL << 43, Filled(3));
    std::thread([&] { first.Offer(1, 1, Filled(4)); }).join();
  }
  KeptBlocks next(*shared);
  io::BlockData out = Filled(0);
  CHECK_FALSE(next.Find(0, 0, out));
  CHECK_FALSE(next.Find(1, 1, out));
  CHECK(out == Filled(0));
  REQUIRE(next.Find(0, 5, out));
  CHECK(out == Filled(2));
  REQUIRE(next.Find(65535, 1ULL << 43, out));
  CHECK(out == Filled(3));
}

TEST_CASE("a block that a former process spoilt is mended by the next offer, in its place") {
  const auto shared = std::make_unique<SharedBlocks>();
  const KeptBlocks::Keeping keeping;
  KeptBlocks(*shared).Offer(3, 4, Filled(1));
  for (io::BlockData& block : shared->blocks) {
    if (block == Filled(1)) block[7] = 9;
  }
  KeptBlocks next(*shared);
  next.Offer(3, 4, Filled(1));
  io::BlockData out{};
  REQUIRE(next.Find(3, 4, out));
  CHECK(out == Filled(1));
}

TEST_CASE("there is room for so many, and for others once an owner is forgotten") {
  const auto shared = std::make_unique<SharedBlocks>();
  const KeptBlocks::Keeping keeping;
  KeptBlocks kept(*shared);
  for (uint64_t block = 0; block < SharedBlocks::kCount; ++block) kept.Offer(block % 2, block, Filled(1));
  io::BlockData out{};
  kept.Offer(2, 0, Filled(2));
  CHECK_FALSE(kept.Find(2, 0, out));
  kept.Forget(0);
  CHECK_FALSE(KeptBlocks(*shared).Find(0, 0, out));
  CHECK(KeptBlocks(*shared).Find(1, 1, out));
  kept.Offer(2, 0, Filled(2));
  REQUIRE(KeptBlocks(*shared).Find(2, 0, out));
  CHECK(out == Filled(2));
}

TEST_CASE("names that a process made up take no place twice") {
  const auto shared = std::make_unique<SharedBlocks>();
  for (auto& name : shared->names) name = 1ULL << 44;
  const KeptBlocks::Keeping keeping;
  KeptBlocks kept(*shared);
  kept.Offer(9, 9, Filled(1));
  io::BlockData out{};
  CHECK(kept.Find(9, 9, out));
}

}  // namespace
}  // namespace veneer::fuse
