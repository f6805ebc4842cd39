// Campaigns of kills: how many rounds, and when in a round.
#pragma once

#include <chrono>
#include <cstdlib>
#include <random>

#include "tests/support/seeds.h"

namespace veneer::test {

using KillClock = std::chrono::steady_clock;

// As many rounds as VENEER_SEEDS=FROM-TO has seeds; by itself `count`, other ones each time.
inline Seeds RoundsOr(uint64_t count) {
  const uint64_t from = std::random_device()();
  const Seeds some = SeedsOr(count);
  if (std::getenv("VENEER_SEEDS") != nullptr) return some;
  return {from, from + count - 1};
}

// When in something that takes about `length` to kill: now and then not before its end.
inline KillClock::duration AnyTimeIn(KillClock::duration length, std::mt19937_64& random) {
  return KillClock::duration(
      static_cast<KillClock::rep>(random() % static_cast<uint64_t>(length.count() * 11 / 10)));
}

// Nearer to `end` than the kernel wakes who sleeps.
inline void SpinUntil(KillClock::time_point end) {
  while (KillClock::now() < end) continue;
}

}  // namespace veneer::test
