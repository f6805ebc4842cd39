#include "fs/format/verity_superblock.h"
#include "fs/io/file_ops.h"
#include "tests/support/catch.h"
#include "tests/support/pattern.h"

namespace veneer::format {
namespace {

// golden/verity_superblock.bin was written by veritysetup 2.6.1 (format --salt=- --uuid=...) for 3 MiB.
constexpr uint64_t kGoldenBlocks = 768;
constexpr Uuid kGoldenUuid = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                              0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};

Bytes ReadGolden() {
  const auto bytes = io::ReadWholeFile(VENEER_GOLDEN "/verity_superblock.bin", 512);
  REQUIRE_OK(bytes);
  return *bytes;
}

TEST_CASE("veritysetup's superblock is read, and written just so") {
  const Bytes golden = ReadGolden();
  const auto blocks = DecodeVeritySuperblock(golden);
  REQUIRE_OK(blocks);
  CHECK(*blocks == kGoldenBlocks);
  const auto encoded = EncodeVeritySuperblock(kGoldenBlocks, kGoldenUuid);
  CHECK(Bytes(encoded.begin(), encoded.end()) == golden);
}

TEST_CASE("superblocks survive a round trip, whatever follows them") {
  for (uint64_t blocks : {uint64_t{0}, uint64_t{1}, uint64_t{1} << 40, ~uint64_t{0}}) {
    const auto encoded = EncodeVeritySuperblock(blocks, kGoldenUuid);
    Bytes bytes(encoded.begin(), encoded.end());
    bytes.resize(4096, 0xff);
    const auto again = DecodeVeritySuperblock(bytes);
    REQUIRE_OK(again);
    CHECK(*again == blocks);
  }
}

TEST_CASE("one flipped bit is refused, changes the count that is read, or is in the UUID") {
  const Bytes golden = ReadGolden();
  for (size_t bit = 0; bit < golden.size() * 8; ++bit) {
    Bytes bytes = golden;
    const size_t at = bit / 8;
    bytes[at] = static_cast<uint8_t>(bytes[at] ^ 1U << bit % 8);
    const auto blocks = DecodeVeritySuperblock(bytes);
    INFO("bit " << bit);
    if (at >= 16 && at < 32) {
      REQUIRE_OK(blocks);
      CHECK(*blocks == kGoldenBlocks);
    } else if (at >= 72 && at < 80) {
      REQUIRE_OK(blocks);
      CHECK(*blocks != kGoldenBlocks);
    } else {
      CHECK_FALSE(blocks);
    }
  }
}

TEST_CASE("what is no superblock is told apart from another kind of one") {
  const Bytes golden = ReadGolden();
  REQUIRE_FAILS(ErrorCode::kCorrupt, DecodeVeritySuperblock({}));
  REQUIRE_FAILS(ErrorCode::kCorrupt, DecodeVeritySuperblock(ByteSpan(golden).first(511)));
  REQUIRE_FAILS(ErrorCode::kCorrupt, DecodeVeritySuperblock(Bytes(512)));
  REQUIRE_FAILS(ErrorCode::kCorrupt, DecodeVeritySuperblock(test::Pattern(512)));

  const auto with = [&](size_t at, std::string_view text) {
    Bytes bytes = golden;
    std::copy(text.begin(), text.end(), bytes.begin() + static_cast<ptrdiff_t>(at));
    return DecodeVeritySuperblock(bytes);
  };
  REQUIRE_OK(with(32, "sha256"));
  REQUIRE_FAILS(ErrorCode::kUnsupported, with(8, "\x02"));      // version
  REQUIRE_FAILS(ErrorCode::kUnsupported, with(12, {"\0", 1}));  // the type of Chromium OS
  REQUIRE_FAILS(ErrorCode::kUnsupported, with(32, "sha512"));   // algorithm
  REQUIRE_FAILS(ErrorCode::kUnsupported, with(32, "sha256x"));
  REQUIRE_FAILS(ErrorCode::kUnsupported, with(64, {"\0\x04", 2}));  // data blocks of 1024
  REQUIRE_FAILS(ErrorCode::kUnsupported, with(68, {"\0\x04", 2}));  // hash blocks of 1024
  REQUIRE_FAILS(ErrorCode::kUnsupported, with(80, "\x20"));         // a salt of 32 bytes
  REQUIRE_FAILS(ErrorCode::kCorrupt, with(87, "\x01"));             // reserved bytes
  REQUIRE_FAILS(ErrorCode::kCorrupt, with(88, "salt"));
  REQUIRE_FAILS(ErrorCode::kCorrupt, with(511, "\x01"));
}

}  // namespace
}  // namespace veneer::format
