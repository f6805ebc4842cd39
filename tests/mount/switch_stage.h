// Crowds on the two mounts of a store, and the history of the switches that they see.
#pragma once

#include <algorithm>
#include <vector>

#include "tests/mount/switch_crowd.h"
#include "tests/mount/switch_rig.h"

namespace veneer::test {

class SwitchStage {
 public:
  // Begins with what the mounts show, which is `tree`; `roles` are those of the crowds on the first and on
  // the second. `rig` has two mounts, and must outlive this.
  explicit SwitchStage(const SwitchRig& rig, int tree = 0, const Roles& roles = Roles(4, Role::kAll),
                       const Roles& others = Roles(4, Role::kAll))
      : trees_(DescribeTrees(rig.root())),
        history_(tree),
        first_(rig.mount(0), trees_, clock_, roles),
        second_(rig.mount(1), trees_, clock_, others) {}

  const Crowd& first() const { return first_; }
  int tree() const { return history_.tree(); }

  // `act` switches to `tree` on both mounts.
  template <typename Switch>
  void SwitchTo(int tree, Switch act) {
    const uint64_t begin = clock_.Next();
    act(tree);
    history_.Add(begin, clock_.Next(), tree);
  }

  // `act` switches both mounts once at most, and returns the tree that they then show.
  template <typename Act>
  void Follow(Act act) {
    const uint64_t begin = clock_.Next();
    const int tree = act();
    if (tree != history_.tree()) history_.Add(begin, clock_.Next(), tree);
  }

  void WaitForAll() const {
    first_.WaitForAll();
    second_.WaitForAll();
  }

  // Ends the crowds, and checks that none saw an error, anything late, or anything that never was.
  void Judge() {
    for (Crowd* crowd : {&first_, &second_}) {
      crowd->Stop();
      CHECK(crowd->errors() == std::vector<std::string>());
      const std::vector<Seen> late = history_.Late(crowd->lookups());
      for (size_t i = 0; i < std::min<size_t>(late.size(), 5); ++i) {
        UNSCOPED_INFO("late: " << crowd->PathOf(late[i]) << " as in trees " << late[i].trees << ", ticks "
                               << late[i].begin << " to " << late[i].end);
      }
      CHECK(late.empty());
      for (const auto* seen : {&crowd->lookups(), &crowd->listings()}) {
        CHECK(history_.CountStrangers(*seen) == 0);
        for (const Seen& one : *seen) {
          if (history_.CountStrangers({one}) == 0) continue;
          UNSCOPED_INFO(crowd->PathOf(one) << " as in trees " << one.trees);
          break;
        }
      }
      WARN(history_.switches() << " switches, " << crowd->lookups().size() << " look-ups, "
                               << crowd->listings().size() << " listings");
    }
  }

 private:
  std::map<std::string, ShownByTree> trees_;
  TickClock clock_;
  SwitchHistory history_;
  Crowd first_;
  Crowd second_;
};

}  // namespace veneer::test
