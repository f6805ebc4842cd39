#include "fs/base/bytes.h"
#include "fs/verity/geometry.h"
#include "tests/support/catch.h"

namespace veneer::verity {
namespace {

std::vector<uint64_t> CountsOf(uint64_t data_blocks) {
  const auto geometry = Geometry::For(data_blocks);
  REQUIRE_OK(geometry);
  CHECK(geometry->data_blocks() == data_blocks);
  std::vector<uint64_t> counts;
  for (const Level& level : geometry->levels()) counts.push_back(level.block_count);
  return counts;
}

TEST_CASE("a level has a digest for each block of the one below") {
  using Counts = std::vector<uint64_t>;
  CHECK(CountsOf(1) == Counts{});
  CHECK(CountsOf(2) == Counts{1});
  CHECK(CountsOf(128) == Counts{1});
  CHECK(CountsOf(129) == Counts{2, 1});
  CHECK(CountsOf(16384) == Counts{128, 1});
  CHECK(CountsOf(16385) == Counts{129, 2, 1});
  CHECK(CountsOf(uint64_t{1} << 40) ==
        Counts{uint64_t{1} << 33, uint64_t{1} << 26, 1 << 19, 1 << 12, 1 << 5, 1});
}

TEST_CASE("levels follow each other from the root's to the leaves', behind the superblock") {
  for (uint64_t blocks :
       {uint64_t{1}, uint64_t{2}, uint64_t{129}, uint64_t{16385}, uint64_t{2097153}, uint64_t{1} << 40}) {
    const auto geometry = Geometry::For(blocks);
    REQUIRE_OK(geometry);
    uint64_t next = 1;
    for (auto level = geometry->levels().rbegin(); level != geometry->levels().rend(); ++level) {
      CHECK(level->first_block == next);
      next += level->block_count;
    }
    CHECK(geometry->tree_blocks() == next);
    for (size_t i = 0; i < geometry->levels().size(); ++i) {
      const Geometry::Position last{i, geometry->levels()[i].block_count - 1};
      CHECK(geometry->PositionOf(geometry->TreeBlock({i, 0})) == Geometry::Position{i, 0});
      CHECK(geometry->PositionOf(geometry->TreeBlock(last)) == last);
      CHECK(geometry->BlocksBelow(i) == (i == 0 ? blocks : geometry->levels()[i - 1].block_count));
    }
    CHECK(geometry->tree_bytes() == next * kBlockSize);
  }
}

TEST_CASE("no tree over nothing, nor over more than 4 PiB") {
  REQUIRE_FAILS(ErrorCode::kUnsupported, Geometry::For(0));
  REQUIRE_FAILS(ErrorCode::kUnsupported, Geometry::For((uint64_t{1} << 40) + 1));
  REQUIRE_FAILS(ErrorCode::kUnsupported, Geometry::For(~uint64_t{0}));
}

}  // namespace
}  // namespace veneer::verity
