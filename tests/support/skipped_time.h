// Time that passes at once, for the processes that a test forks: what they do after a minute can be seen
// without that minute.
#pragma once

#include <chrono>

namespace veneer::test {

// For all processes that this one forks, or has forked, and theirs, steady time is so much later from now on.
// For this one it is not: its own patience stays what it is.
void SkipTime(std::chrono::nanoseconds time);

}  // namespace veneer::test
