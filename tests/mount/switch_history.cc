#include "tests/mount/switch_history.h"

#include <algorithm>
#include <queue>

namespace veneer::test {

// Generation I may be current from the begin of its switch to the end of the next one's.
SwitchHistory::Range SwitchHistory::Possible(const Seen& one) const {
  const auto after = [](uint64_t tick, const Generation& made) { return tick < made.begin; };
  const auto last = std::upper_bound(made_.begin(), made_.end(), one.end, after);
  size_t newest = static_cast<size_t>(last - made_.begin()) - 1;
  const auto over = [](const Generation& made, uint64_t tick) { return made.end < tick; };
  const auto next = std::lower_bound(made_.begin() + 1, made_.end(), one.begin, over);
  size_t oldest = static_cast<size_t>(next - made_.begin()) - 1;
  while (oldest <= newest && !Fits(oldest, one)) ++oldest;
  if (oldest > newest) return {};
  while (!Fits(newest, one)) --newest;
  return {oldest, newest};
}

uint64_t SwitchHistory::CountStrangers(const std::vector<Seen>& seen) const {
  return static_cast<uint64_t>(std::count_if(seen.begin(), seen.end(), [this](const Seen& one) {
    const Range range = Possible(one);
    return range.oldest > range.newest;
  }));
}

// Goes through the begins in order. What ended before one of them bounds it from below: by the oldest
// generation that explains that operation and is not older than its own bound.
std::vector<Seen> SwitchHistory::Late(const std::vector<Seen>& seen) const {
  std::vector<Seen> by_begin = seen;
  std::sort(by_begin.begin(), by_begin.end(), [](const Seen& a, const Seen& b) { return a.begin < b.begin; });
  using Ended = std::pair<uint64_t, size_t>;  // tick, generation that it showed at least
  std::priority_queue<Ended, std::vector<Ended>, std::greater<>> running;
  size_t bound = 0;
  std::vector<Seen> late;
  for (const Seen& one : by_begin) {
    for (; !running.empty() && running.top().first < one.begin; running.pop())
      bound = std::max(bound, running.top().second);
    const Range range = Possible(one);
    if (range.oldest > range.newest) continue;
    if (range.newest < bound) {
      late.push_back(one);
      continue;
    }
    size_t shown = std::max(range.oldest, bound);
    while (!Fits(shown, one)) ++shown;
    running.emplace(one.end, shown);
  }
  return late;
}

}  // namespace veneer::test
