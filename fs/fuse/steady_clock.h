// Time that only goes forward.
#pragma once

#include <chrono>
#include <cstdint>

namespace veneer::fuse {

inline int64_t SteadyMilliseconds() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace veneer::fuse
