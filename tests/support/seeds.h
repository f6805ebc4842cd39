// Which seeds a random test runs: VENEER_SEEDS=FROM-TO for more than it does by itself.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>

#include "tests/support/catch.h"

namespace veneer::test {

struct Seeds {
  uint64_t from = 0;
  uint64_t to = 0;  // the last one
};

// Those of the environment, or 1 to `count`.
inline Seeds SeedsOr(uint64_t count) {
  const char* text = std::getenv("VENEER_SEEDS");
  if (text == nullptr) return {1, count};
  char* end = nullptr;
  Seeds seeds;
  seeds.from = std::strtoull(text, &end, 10);
  INFO("VENEER_SEEDS is FROM-TO, two numbers, not " << text);
  REQUIRE(*end == '-');
  seeds.to = std::strtoull(end + 1, &end, 10);
  REQUIRE((*end == '\0' && seeds.from <= seeds.to));
  return seeds;
}

}  // namespace veneer::test
