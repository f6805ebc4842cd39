#include <limits>

#include "fs/format/trailer.h"
#include "fs/io/file_ops.h"
#include "tests/support/catch.h"
#include "tests/support/pattern.h"

namespace veneer::format {
namespace {

constexpr uint64_t kMiB = 1 << 20;

// What golden/trailer.bin says. That file was packed field by field from the table in docs/format/layer.md,
// by another program than ours.
constexpr Trailer kGolden = {3 * kMiB, 3 * kMiB, 8 * 4096, 3 * kMiB + 8 * 4096, 1234};
constexpr uint64_t kGoldenFileSize = 3 * kMiB + 8 * 4096 + 1234 + 128;

Bytes ReadGolden() {
  const auto bytes = io::ReadWholeFile(VENEER_GOLDEN "/trailer.bin", 128);
  REQUIRE_OK(bytes);
  return *bytes;
}

// The trailer of `trailer`'s parts, in a file that they fill.
Result<Trailer> DecodeAgain(const Trailer& trailer) {
  return DecodeTrailer(EncodeTrailer(trailer), trailer.cms_offset + trailer.cms_size + 128);
}

TEST_CASE("the golden trailer is read and written") {
  const Bytes golden = ReadGolden();
  const auto trailer = DecodeTrailer(golden, kGoldenFileSize);
  REQUIRE_OK(trailer);
  CHECK(*trailer == kGolden);
  const auto encoded = EncodeTrailer(kGolden);
  CHECK(Bytes(encoded.begin(), encoded.end()) == golden);
}

TEST_CASE("trailers survive a round trip up to the limits") {
  for (const Trailer& trailer : {Trailer{4096, 4096, 4096, 8192, 1}, kGolden,
                                 Trailer{uint64_t{1} << 62, uint64_t{1} << 62, 1 << 20,
                                         (uint64_t{1} << 62) + (1 << 20), kMaxCmsSize}}) {
    const auto again = DecodeAgain(trailer);
    REQUIRE_OK(again);
    CHECK(*again == trailer);
  }
}

TEST_CASE("one flipped bit is never taken for another trailer") {
  const Bytes golden = ReadGolden();
  for (size_t bit = 0; bit < golden.size() * 8; ++bit) {
    Bytes bytes = golden;
    bytes[bit / 8] = static_cast<uint8_t>(bytes[bit / 8] ^ 1U << bit % 8);
    const auto trailer = DecodeTrailer(bytes, kGoldenFileSize);
    INFO("bit " << bit);
    if (bit / 8 == 10 || bit / 8 == 11) {
      // The writer's minor version, which says nothing about who can read the file.
      REQUIRE_OK(trailer);
      CHECK(*trailer == kGolden);
    } else {
      CHECK_FALSE(trailer);
    }
  }
}

TEST_CASE("another size of the file contradicts the trailer") {
  const Bytes golden = ReadGolden();
  for (uint64_t size : {uint64_t{0}, uint64_t{127}, uint64_t{128}, kGoldenFileSize - 1, kGoldenFileSize + 1,
                        std::numeric_limits<uint64_t>::max()}) {
    REQUIRE_FAILS(ErrorCode::kCorrupt, DecodeTrailer(golden, size));
  }
}

TEST_CASE("too few or too many bytes are no trailer") {
  const Bytes golden = ReadGolden();
  Bytes longer = golden;
  longer.push_back(0);
  REQUIRE_FAILS(ErrorCode::kCorrupt, DecodeTrailer({}, kGoldenFileSize));
  REQUIRE_FAILS(ErrorCode::kCorrupt, DecodeTrailer(ByteSpan(golden).first(127), kGoldenFileSize));
  REQUIRE_FAILS(ErrorCode::kCorrupt, DecodeTrailer(longer, kGoldenFileSize));
}

TEST_CASE("a foreign file is told apart from another format of ours") {
  REQUIRE_FAILS(ErrorCode::kCorrupt, DecodeTrailer(Bytes(128), kGoldenFileSize));
  REQUIRE_FAILS(ErrorCode::kCorrupt, DecodeTrailer(test::Pattern(128), kGoldenFileSize));

  Bytes major = ReadGolden();
  major[8] = 2;
  REQUIRE_FAILS(ErrorCode::kUnsupported, DecodeTrailer(major, kGoldenFileSize));
  CHECK(DecodeTrailer(major, kGoldenFileSize).error().message() ==
        "layer format 2.0 is not one that this program reads (1.0)");

  Bytes minor = ReadGolden();
  minor[10] = 5;
  REQUIRE_OK(DecodeTrailer(minor, kGoldenFileSize));
  minor[12] = 1;
  REQUIRE_FAILS(ErrorCode::kUnsupported, DecodeTrailer(minor, kGoldenFileSize));
}

TEST_CASE("parts that do not follow each other without a gap are refused") {
  const auto refused = [](const Trailer& trailer) {
    REQUIRE_FAILS(ErrorCode::kCorrupt, DecodeAgain(trailer));
  };
  REQUIRE_OK(DecodeAgain({8192, 8192, 4096, 12288, 10}));
  refused({0, 0, 4096, 4096, 10});          // no image
  refused({8191, 8191, 4096, 12287, 10});   // not whole blocks
  refused({8192, 4096, 4096, 8192, 10});    // the tree within the image
  refused({8192, 12288, 4096, 16384, 10});  // a gap before the tree
  refused({8192, 8192, 0, 8192, 10});       // no tree
  refused({8192, 8192, 100, 8292, 10});     // a tree that is not whole blocks
  refused({8192, 8192, 4096, 12289, 10});   // a gap before the CMS
  refused({8192, 8192, 4096, 12287, 10});   // the CMS within the tree
  refused({8192, 8192, 4096, 12288, 0});    // no CMS
  refused({8192, 8192, 4096, 12288, kMaxCmsSize + 1});
  const uint64_t top = uint64_t{0} - 4096;
  refused({top, top, 8192, 4096, 10});  // sums that wrap
}

}  // namespace
}  // namespace veneer::format
