// The switch is one instant for everyone: many threads on two mounts through hundreds of switches.
#include <iterator>

#include "tests/mount/switch_stage.h"
#include "tests/mount/worker_killer.h"

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
  CHECK(history.Late({{110, 120, kSecond, 0}, {121, 130, kFirst, 0}}).size() == 1);
  CHECK(history.Late({{110, 120, kSecond, 0}, {119, 130, kFirst, 0}}).empty());
  // What two generations have says nothing; what only the newer has does.
  CHECK(history.Late({{110, 120, kFirst | kSecond, 0}, {121, 130, kFirst, 0}}).empty());
  CHECK(history.Late({{110, 120, kSecond | kThird, 0}, {121, 130, kFirst | kThird, 0}}).size() == 1);
  CHECK(history.Late({{510, 520, kFirst, 0}, {521, 530, kThird, 0}, {521, 530, kFirst, 0}}).size() == 1);
}

// Every step from one tree to another, in turn.
constexpr int kWay[] = {1, 2, 1, 2, 0, 2, 0, 1, 0};

TEST_CASE("no look-up is late, and none is wrong, through hundreds of switches") {
  SwitchRig rig(2);
  SwitchStage stage(rig);
  stage.WaitForAll();
  Switcher switcher(rig);
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
  SwitchRig rig(2);
  SwitchStage stage(rig);
  stage.WaitForAll();
  for (const int tree : kWay) {
    stage.SwitchTo(tree, [&](int next) { rig.SwitchByProgram(next); });
    stage.WaitForAll();
  }
  stage.Judge();
}

TEST_CASE("so it is while a mount's workers are killed, also in the middle of a switch") {
  SwitchRig rig(2);
  SwitchStage stage(rig);
  stage.WaitForAll();
  Switcher switcher(rig);
  int kills = 0;
  {
    const WorkerKiller killer(rig, stage.first(), std::chrono::milliseconds(600));
    for (size_t round = 0; killer.kills() < 8 && killer.failure() == nullptr; ++round) {
      stage.SwitchTo(kWay[round % std::size(kWay)], [&](int next) { switcher.SwitchTo(next); });
    }
    kills = killer.kills();
    CHECK(killer.failure() == nullptr);
  }
  stage.WaitForAll();
  stage.Judge();
  CHECK(rig.Status(0).at("counters").at("worker_deaths") >= kills);
  CHECK(rig.Status(1).at("counters").at("worker_deaths") == 0);
}

TEST_CASE("so it is while other supervisors take the mounts over") {
  SwitchRig rig(2);
  SwitchStage stage(rig);
  stage.WaitForAll();
  for (const int tree : {1, 2, 0}) {
    rig.Run({"reload"});
    stage.WaitForAll();
    stage.SwitchTo(tree, [&](int next) { rig.SwitchByProgram(next); });
    stage.WaitForAll();
  }
  stage.Judge();
}

}  // namespace
}  // namespace veneer::test
