#include <limits>

#include "fs/io/block_source.h"
#include "tests/support/catch.h"
#include "tests/support/pattern.h"

namespace veneer::io {
namespace {

TEST_CASE("a memory source gives its bytes, the last block padded with zeros") {
  Bytes bytes = test::Pattern(2 * kBlockSize + 100);
  const MemoryBlockSource source(bytes);
  REQUIRE(source.size() == 3 * kBlockSize);
  bytes.resize(source.size());

  for (uint64_t block = 0; block < 3; ++block) {
    const auto ref = source.Block(block);
    REQUIRE_OK(ref);
    CHECK(std::equal((*ref)->begin(), (*ref)->end(),
                     bytes.begin() + static_cast<ptrdiff_t>(block * kBlockSize)));
  }
  Bytes out(5000);
  REQUIRE_OK(source.Read(4000, out));
  CHECK(std::equal(out.begin(), out.end(), bytes.begin() + 4000));
}

TEST_CASE("nothing is given beyond the end of a memory source") {
  const MemoryBlockSource source(Bytes(kBlockSize, 1));
  Bytes out(1);
  REQUIRE_OK(source.Read(kBlockSize - 1, out));
  REQUIRE_OK(source.Read(kBlockSize, MutableByteSpan()));
  REQUIRE_FAILS(ErrorCode::kCorrupt, source.Read(kBlockSize, out));
  REQUIRE_FAILS(ErrorCode::kCorrupt, source.Read(std::numeric_limits<uint64_t>::max(), out));
  REQUIRE_FAILS(ErrorCode::kCorrupt, source.Block(1));
  REQUIRE_FAILS(ErrorCode::kCorrupt, source.Block(std::numeric_limits<uint64_t>::max() / kBlockSize + 1));
  REQUIRE_FAILS(ErrorCode::kCorrupt, MemoryBlockSource({}).Block(0));
}

}  // namespace
}  // namespace veneer::io
