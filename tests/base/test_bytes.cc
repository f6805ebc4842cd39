#include <limits>

#include "fs/base/bytes.h"
#include "tests/support/catch.h"

namespace veneer {
namespace {

constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();

TEST_CASE("hexadecimal round trip") {
  const Bytes bytes = {0x00, 0x0f, 0xf0, 0xff, 0x9a};
  CHECK(ToHex(bytes) == "000ff0ff9a");
  CHECK(ToHex({}).empty());

  Digest digest{};
  for (size_t i = 0; i < digest.size(); ++i) digest[i] = static_cast<uint8_t>(i * 8 + 3);
  CHECK(DigestFromHex(ToHex(digest)) == digest);
}

TEST_CASE("a digest is read from either case and from nothing but 64 digits") {
  const std::string good(64, 'a');
  REQUIRE(DigestFromHex(good));
  CHECK((*DigestFromHex(good))[0] == 0xaa);
  CHECK(DigestFromHex(std::string(64, 'A')) == DigestFromHex(good));
  CHECK_FALSE(DigestFromHex(""));
  CHECK_FALSE(DigestFromHex(good.substr(1)));
  CHECK_FALSE(DigestFromHex(good + "a"));
  for (char bad : {'g', 'G', ' ', '/', ':', '@', '`', '\0', '\xff'}) {
    std::string text = good;
    text[63] = bad;
    CHECK_FALSE(DigestFromHex(text));
    text = good;
    text[0] = bad;
    CHECK_FALSE(DigestFromHex(text));
  }
}

TEST_CASE("checked arithmetic gives nothing where it would wrap") {
  CHECK(CheckedAdd(1, 2) == 3U);
  CHECK(CheckedAdd(kMax, 0) == kMax);
  CHECK_FALSE(CheckedAdd(kMax, 1));
  CHECK(CheckedMul(kMax / 4096, 4096) == kMax / 4096 * 4096);
  CHECK_FALSE(CheckedMul(kMax / 4096 + 1, 4096));
}

TEST_CASE("bounds are checked without wrapping") {
  CHECK(InBounds(0, 0, 0));
  CHECK(InBounds(10, 0, 10));
  CHECK(InBounds(3, 7, 10));
  CHECK_FALSE(InBounds(3, 8, 10));
  CHECK_FALSE(InBounds(11, 0, 10));
  CHECK_FALSE(InBounds(kMax, 2, 10));
  CHECK_FALSE(InBounds(2, kMax, 10));
  CHECK(InBounds(0, kMax, kMax));
}

TEST_CASE("blocks are counted up, even near the end of the range") {
  CHECK(BlocksFor(0) == 0);
  CHECK(BlocksFor(1) == 1);
  CHECK(BlocksFor(4096) == 1);
  CHECK(BlocksFor(4097) == 2);
  CHECK(BlocksFor(kMax) == kMax / 4096 + 1);
}

TEST_CASE("text and bytes name the same memory") {
  const std::string text = "ab\xff";
  CHECK(AsText(AsBytes(text)) == text);
  CHECK(AsBytes(text)[2] == 0xff);
}

}  // namespace
}  // namespace veneer
