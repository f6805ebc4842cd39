// What a fuzz target promises.
#pragma once

#include <cstdlib>

namespace veneer {

// libFuzzer keeps the input that breaks it.
inline void Require(bool promise) {
  if (!promise) std::abort();
}

}  // namespace veneer
