// Ends the test program where a test of something that must not wait does.
#pragma once

#include <unistd.h>

namespace veneer::test {

class Watchdog {
 public:
  explicit Watchdog(unsigned seconds = 30) { ::alarm(seconds); }
  ~Watchdog() { ::alarm(0); }
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
};

}  // namespace veneer::test
