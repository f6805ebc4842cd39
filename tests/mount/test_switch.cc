// The switch is one instant for everyone: many threads on two mounts through hundreds of switches.
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <set>
#include <thread>

#include "tests/mount/switch_crowd.h"
#include "tests/mount/switch_rig.h"

namespace veneer::test {
namespace {

TEST_CASE("the history tells what is late and what was never shown") {
  SwitchHistory history(0);
  history.Add(100, 200, 1);
  history.Add(300, 400, 2);
  history.Add(500, 600, 0);
  constexpr TreeSet kFirst = 1;
  constexpr TreeSet kSecond = 2;
  constexpr TreeSet kThird = 4;
  CHECK(history.CountStrangers({{10, 20, kFirst, 0}, {110, 120, kFirst, 0}, {190, 210, kFirst, 0}}) == 0);
  CHECK(history.CountStrangers({{10, 20, kSecond, 0}, {201, 210, kFirst, 0}, {401, 402, kSecond, 0}}) == 3);
  CHECK(history.CountStrangers({{110, 120, 0, 0}, {610, 620, kThird, 0}, {610, 620, kFirst, 0}}) == 2);
  // In one window: new, then old again; and old that began before new had ended.
  CHECK(history.CountLate({{110, 120, kSecond, 0}, {121, 130, kFirst, 0}}) == 1);
  CHECK(history.CountLate({{110, 120, kSecond, 0}, {119, 130, kFirst, 0}}) == 0);
  // What two generations have says nothing; what only the newer has does.
  CHECK(history.CountLate({{110, 120, kFirst | kSecond, 0}, {121, 130, kFirst, 0}}) == 0);
  CHECK(history.CountLate({{110, 120, kSecond | kThird, 0}, {121, 130, kFirst | kThird, 0}}) == 1);
  CHECK(history.CountLate({{510, 520, kFirst, 0}, {521, 530, kThird, 0}, {521, 530, kFirst, 0}}) == 1);
}

// A store on two mounts, a crowd on each, and the history of the switches.
struct Stage {
  SwitchRig rig{2};
  std::map<std::string, ShownByTree> trees = DescribeTrees(rig.root());
  TickClock clock;
  SwitchHistory history{0};
  Crowd first{rig.mount(0), trees, clock};
  Crowd second{rig.mount(1), trees, clock};

  template <typename Switch>
  void SwitchTo(int tree, Switch act) {
    const uint64_t begin = clock.Next();
    act(tree);
    history.Add(begin, clock.Next(), tree);
  }

  void WaitForAll() const {
    first.WaitForAll();
    second.WaitForAll();
  }

  void Judge() {
    for (Crowd* crowd : {&first, &second}) {
      crowd->Stop();
      CHECK(crowd->errors() == std::vector<std::string>());
      CHECK(history.CountLate(crowd->lookups()) == 0);
      for (const auto* seen : {&crowd->lookups(), &crowd->listings()}) {
        CHECK(history.CountStrangers(*seen) == 0);
        for (const Seen& one : *seen) {
          if (history.CountStrangers({one}) == 0) continue;
          UNSCOPED_INFO(crowd->PathOf(one) << " as in trees " << one.trees);
          break;
        }
      }
      WARN(history.switches() << " switches, " << crowd->lookups().size() << " look-ups, "
                              << crowd->listings().size() << " listings");
    }
  }
};

// Every step from one tree to another, in turn.
constexpr int kWay[] = {1, 2, 1, 2, 0, 2, 0, 1, 0};

TEST_CASE("no look-up is late, and none is wrong, through hundreds of switches") {
  Stage stage;
  stage.WaitForAll();
  Switcher switcher(stage.rig);
  for (int round = 0; round < 23; ++round) {
    for (const int tree : kWay) {
      stage.SwitchTo(tree, [&](int next) { switcher.SwitchTo(next); });
      if (round % 4 == 0) stage.WaitForAll();  // and the others one upon the other
    }
  }
  stage.WaitForAll();
  stage.Judge();
}

TEST_CASE("so it is when the program switches") {
  Stage stage;
  stage.WaitForAll();
  for (const int tree : kWay) {
    stage.SwitchTo(tree, [&](int next) { stage.rig.SwitchByProgram(next); });
    stage.WaitForAll();
  }
  stage.Judge();
}

// Kills the first mount's worker again and again, each after it has
// served for longer than one that dies at once, until it goes.
class Killer {
 public:
  Killer(const SwitchRig& rig, const Crowd& crowd) : thread_([this, &rig, &crowd] { Run(rig, crowd); }) {}
  ~Killer() {
    stop_ = true;
    thread_.join();
  }
  Killer(const Killer&) = delete;
  Killer& operator=(const Killer&) = delete;

  int kills() const { return kills_; }

 private:
  void Run(const SwitchRig& rig, const Crowd& crowd) {
    while (!stop_) {
      const auto begin = std::chrono::steady_clock::now();
      while (!stop_ && std::chrono::steady_clock::now() - begin < std::chrono::milliseconds(600))
        crowd.WaitForAll();
      ::kill(rig.WorkerOf(0), SIGKILL);
      ++kills_;
    }
  }

  std::atomic<bool> stop_{false};
  std::atomic<int> kills_{0};
  std::thread thread_;  // last: uses the others
};

TEST_CASE("so it is while a mount's workers are killed, also in the middle of a switch") {
  Stage stage;
  stage.WaitForAll();
  Switcher switcher(stage.rig);
  int kills = 0;
  {
    const Killer killer(stage.rig, stage.first);
    for (size_t round = 0; killer.kills() < 8; ++round) {
      stage.SwitchTo(kWay[round % std::size(kWay)], [&](int next) { switcher.SwitchTo(next); });
    }
    kills = killer.kills();
  }
  stage.WaitForAll();
  stage.Judge();
  CHECK(stage.rig.Status(0).at("counters").at("worker_deaths") >= kills);
  CHECK(stage.rig.Status(1).at("counters").at("worker_deaths") == 0);
}

TEST_CASE("so it is while other supervisors take the mounts over") {
  Stage stage;
  stage.WaitForAll();
  for (const int tree : {1, 2, 0}) {
    stage.rig.Run({"reload"});
    stage.WaitForAll();
    stage.SwitchTo(tree, [&](int next) { stage.rig.SwitchByProgram(next); });
    stage.WaitForAll();
  }
  stage.Judge();
}

}  // namespace
}  // namespace veneer::test
