// When a worker that died is started again. Pure; times in milliseconds of any steady clock.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>

namespace veneer::fuse {

// At once, unless five within ten seconds (and what they took to load) have died as soon as they served, or
// before, or one took so long to load that the next would too, as where a disk hangs: then after a second,
// and twice as long each time up to half a minute, until one has served for ten seconds.
class RestartPolicy {
 public:
  static constexpr int64_t kAtOnce = 500;
  static constexpr size_t kMostDeaths = 5;
  static constexpr int64_t kWindow = 10'000;
  static constexpr int64_t kTooLong = 60'000;
  static constexpr int64_t kFirstWait = 1'000;
  static constexpr int64_t kLongestWait = 30'000;

  // A worker died at `now` that had served for `served`, and taken `loading` until then. Returns when the
  // next may begin.
  int64_t Died(int64_t loading, int64_t served, int64_t now) {
    if (served >= kWindow) Reset();
    if (served >= kAtOnce) return now;
    deaths_.push_back(now);
    const int64_t window = kWindow + static_cast<int64_t>(kMostDeaths) * loading;
    while (now - deaths_.front() > window) deaths_.pop_front();
    if (wait_ == 0 && deaths_.size() < kMostDeaths && loading < kTooLong) return now;
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
