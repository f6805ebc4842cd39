// What many threads saw while a mount switched, and whether one instant for each switch explains it all.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/mount/switch_trees.h"

namespace veneer::test {

// One operation, between two ticks of the clock, and the trees that show what it found. No tree: it found
// what none of them has.
struct Seen {
  uint64_t begin = 0;
  uint64_t end = 0;
  TreeSet trees = 0;
  uint32_t what = 0;  // for the message
};

// The ticks: each is given once, in the order in which they are asked for, whatever the thread.
class TickClock {
 public:
  uint64_t Next() { return last_.fetch_add(1, std::memory_order_seq_cst) + 1; }

 private:
  std::atomic<uint64_t> last_{0};
};

// The generations in the order in which they were made. For one thread.
class SwitchHistory {
 public:
  explicit SwitchHistory(int first_tree) { made_.push_back({0, 0, first_tree}); }

  // A switch to `tree` took place at some moment between the two ticks.
  void Add(uint64_t begin, uint64_t end, int tree) { made_.push_back({begin, end, tree}); }

  int tree() const { return made_.back().tree; }
  size_t switches() const { return made_.size() - 1; }

  // How many of `seen` show something that no generation had which may have been current at any time from
  // their begin to their end.
  uint64_t CountStrangers(const std::vector<Seen>& seen) const;

  // Those of `seen` that show an older generation than one that another had shown before they began.
  // Strangers aside.
  std::vector<Seen> Late(const std::vector<Seen>& seen) const;

 private:
  struct Generation {
    uint64_t begin = 0;
    uint64_t end = 0;
    int tree = 0;
  };
  struct Range {
    size_t oldest = 1;
    size_t newest = 0;  // below `oldest`: none
  };

  bool Fits(size_t generation, const Seen& one) const {
    return (one.trees >> made_[generation].tree & 1) != 0;
  }
  Range Possible(const Seen& one) const;

  std::vector<Generation> made_;
};

}  // namespace veneer::test
