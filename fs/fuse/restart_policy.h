// When a worker that died is started again. Pure; times in milliseconds of any steady clock.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>

namespace veneer::fuse {

// At once, unless five within ten seconds have died as soon as they began: then after a second, and twice as
// long each time up to half a minute, until one has lived for ten seconds.
class RestartPolicy {
 public:
  static constexpr int64_t kAtOnce = 500;
  static constexpr size_t kMostDeaths = 5;
  static constexpr int64_t kWindow = 10'000;
  static constexpr int64_t kFirstWait = 1'000;
  static constexpr int64_t kLongestWait = 30'000;

  // A worker that began at `began` died at `now`. Returns when the next may begin.
  int64_t Died(int64_t began, int64_t now) {
    if (now - began >= kWindow) Reset();
    if (now - began >= kAtOnce) return now;
    deaths_.push_back(now);
    while (now - deaths_.front() > kWindow) deaths_.pop_front();
    if (wait_ == 0 && deaths_.size() < kMostDeaths) return now;
    wait_ = wait_ == 0 ? kFirstWait : std::min(2 * wait_, kLongestWait);
    return now + wait_;
  }

  // Something has changed that may help.
  void Reset() {
    deaths_.clear();
    wait_ = 0;
  }

 private:
  std::deque<int64_t> deaths_;
  int64_t wait_ = 0;  // the last one; 0: none was needed
};

}  // namespace veneer::fuse
