#include <atomic>
#include <thread>
#include <vector>

#include "fs/verity/block_cache.h"
#include "tests/support/catch.h"
#include "tests/support/pattern.h"

namespace veneer::verity {
namespace {

io::BlockRef BlockOf(uint64_t owner, uint64_t block) {
  auto data = std::make_shared<io::BlockData>();
  const Bytes bytes = test::Pattern(kBlockSize, owner << 20 | block);
  std::copy(bytes.begin(), bytes.end(), data->begin());
  return data;
}

TEST_CASE("what was put in is found under its owner and number alone") {
  BlockCache cache(1 << 20);
  const io::BlockRef block = BlockOf(1, 7);
  CHECK(cache.Find(1, 7) == nullptr);
  cache.Insert(1, 7, block);
  CHECK(cache.Find(1, 7) == block);
  CHECK(cache.Find(2, 7) == nullptr);
  CHECK(cache.Find(1, 8) == nullptr);
  CHECK(cache.Find(0, 7 | uint64_t{1} << 40) == nullptr);  // whatever the hash makes of it

  const BlockCache::Counters counters = cache.counters();
  CHECK(counters.hits == 1);
  CHECK(counters.misses == 4);
  CHECK(counters.bytes == kBlockSize);
}

TEST_CASE("a block put in again takes the place of the first") {
  BlockCache cache(1 << 20);
  const io::BlockRef second = BlockOf(1, 1);
  cache.Insert(1, 1, BlockOf(1, 1));
  cache.Insert(1, 1, second);
  CHECK(cache.Find(1, 1) == second);
  CHECK(cache.counters().bytes == kBlockSize);
}

TEST_CASE("the bound holds, and nearly all of it is used") {
  const size_t capacity =
      GENERATE(size_t{0}, size_t{4095}, size_t{4096}, size_t{5 * 4096}, size_t{100 * 4096});
  BlockCache cache(capacity);
  for (uint64_t block = 0; block < 2000; ++block) {
    cache.Insert(3, block, BlockOf(3, block));
    REQUIRE(cache.counters().bytes <= capacity);
  }
  CHECK(cache.counters().bytes + 15 * kBlockSize + kBlockSize > capacity);
  if (capacity >= kBlockSize) CHECK(cache.Find(3, 1999) != nullptr);
}

TEST_CASE("the least recently used block goes first") {
  // Of this size the cache is one shard or several; a block that is used between all others stays in any
  // case.
  BlockCache cache(32 * kBlockSize);
  const io::BlockRef kept = BlockOf(1, 0);
  cache.Insert(1, 0, kept);
  cache.Insert(1, 1, BlockOf(1, 1));
  for (uint64_t block = 2; block < 500; ++block) {
    cache.Insert(1, block, BlockOf(1, block));
    REQUIRE(cache.Find(1, 0) == kept);
  }
  CHECK(cache.Find(1, 1) == nullptr);
}

TEST_CASE("a reference outlives the block's place in the cache") {
  BlockCache cache(kBlockSize);
  cache.Insert(1, 1, BlockOf(1, 1));
  const io::BlockRef held = cache.Find(1, 1);
  REQUIRE(held != nullptr);
  cache.Insert(1, 2, BlockOf(1, 2));
  CHECK(cache.Find(1, 1) == nullptr);
  CHECK(*held == *BlockOf(1, 1));
}

TEST_CASE("threads that put in and look up never get another block") {
  BlockCache cache(64 * kBlockSize);
  std::vector<io::BlockRef> blocks;
  for (uint64_t i = 0; i < 200; ++i) blocks.push_back(BlockOf(i % 3, i));
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < 6; ++t) {
    threads.emplace_back([&, t] {
      for (uint64_t i = 0; i < 5000; ++i) {
        const uint64_t n = test::Scramble(t << 32 | i) % blocks.size();
        const auto owner = static_cast<uint32_t>(n % 3);
        const io::BlockRef found = cache.Find(owner, n);
        if (found == nullptr) cache.Insert(owner, n, blocks[n]);
        if (found != nullptr && found != blocks[n]) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
  const BlockCache::Counters counters = cache.counters();
  CHECK(counters.hits + counters.misses == 30000);
  CHECK(counters.hits > 0);
  CHECK(counters.bytes <= 64 * kBlockSize);
}

}  // namespace
}  // namespace veneer::verity
