// Bytes that look random and are the same in each run.
#pragma once

#include <algorithm>
#include <cstring>

#include "fs/base/bytes.h"

namespace veneer::test {

// A number that follows from `i` alone, with all bits mixed (splitmix64).
inline uint64_t Scramble(uint64_t i) {
  i += 0x9e3779b97f4a7c15U;
  i = (i ^ i >> 30) * 0xbf58476d1ce4e5b9U;
  i = (i ^ i >> 27) * 0x94d049bb133111ebU;
  return i ^ i >> 31;
}

// `size` bytes, another run of them for each `seed`.
inline Bytes Pattern(size_t size, uint64_t seed = 0) {
  Bytes bytes(size);
  for (size_t at = 0; at < size; at += sizeof(uint64_t)) {
    const uint64_t word = Scramble(seed << 40 ^ at);
    std::memcpy(bytes.data() + at, &word, std::min(sizeof word, size - at));
  }
  return bytes;
}

}  // namespace veneer::test
