// Waiting for what another thread or process does.
#pragma once

#include <poll.h>

#include <chrono>
#include <string>
#include <thread>

#include "tests/support/catch.h"

namespace veneer::test {

// How long a test waits before it fails. It bounds a failure and nothing else: as long as no machine needs,
// and less than a test program is given.
#ifdef VENEER_SANITIZED
inline constexpr std::chrono::seconds kPatience{300};
#else
inline constexpr std::chrono::seconds kPatience{60};
#endif

// Asks for `condition` until it holds, or patience ends: what it said last. For threads, on which nothing may
// be required.
template <class Condition>
auto Await(Condition condition) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  auto answer = condition();
  while (!answer && std::chrono::steady_clock::now() < end) {
    std::this_thread::yield();
    answer = condition();
  }
  return answer;
}

// Likewise, and fails the test where it does not come to hold. `what` is waited for.
template <class Condition>
auto Until(const std::string& what, Condition condition) {
  auto answer = Await(condition);
  if (!answer) FAIL("waited in vain for " << what);
  return answer;
}

// Waits until `fd` has something to be read, or has an end.
inline void UntilReadable(const std::string& what, int fd) {
  pollfd watched{fd, POLLIN, 0};
  Until(what, [&] { return ::poll(&watched, 1, 1000) == 1; });  // that does not spin
}

}  // namespace veneer::test
