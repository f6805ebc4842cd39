#include "fs/io/clock.h"

#include <ctime>

namespace veneer::io {

int64_t SystemClock::Now() const {
  return static_cast<int64_t>(std::time(nullptr));
}

}  // namespace veneer::io
