#include "fs/base/endian.h"
#include "tests/support/catch.h"

namespace veneer {
namespace {

TEST_CASE("fields stand in little-endian order, at any address") {
  struct {
    uint8_t before;
    Le16 two;
    Le32 four;
    Le64 eight;
  } raw{0xee, uint16_t{0x0102}, 0x03040506U, 0x0708090a0b0c0d0eU};
  static_assert(sizeof raw == 15);
  const std::array<uint8_t, 15> expected = {0xee, 0x02, 0x01, 0x06, 0x05, 0x04, 0x03, 0x0e,
                                            0x0d, 0x0c, 0x0b, 0x0a, 0x09, 0x08, 0x07};
  CHECK(std::memcmp(&raw, expected.data(), expected.size()) == 0);
  CHECK(raw.two == 0x0102);
  CHECK(raw.four == 0x03040506);
  CHECK(raw.eight == 0x0708090a0b0c0d0e);
}

TEST_CASE("a field that nothing was written to is zero") {
  CHECK(Le16() == 0);
  CHECK(Le64() == 0);
}

}  // namespace
}  // namespace veneer
