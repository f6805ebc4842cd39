// A step of a command that changes a store fails: there is no room, this once or from now on.
#include "tests/crash/trial.h"

namespace veneer::test {
namespace {

void RefuseEach(const std::function<StepLog::Refuses(size_t step)>& refusing) {
  for (const Scene& scene : ScenesToCut()) {
    Trial trial(scene);
    const size_t steps = trial.steps().size();
    for (size_t step = 0; step < steps; ++step) {
      INFO(scene.name << ", refused at step " << step << " of " << steps);
      const CommandResult result = trial.RunRefusing(refusing(step));
      INFO(result.err);
      const bool mends = scene.command == RepairScene().command;  // 3: damage is left
      CHECK((result.status == 0 || result.status == 1 || (mends && result.status == 3)));
      trial.RequireRecovers();
    }
  }
}

TEST_CASE("where a disk refuses everything from some step on, a store stays old or new, and recovers") {
  RefuseEach([](size_t step) { return [=](size_t number) { return number >= step; }; });
}

TEST_CASE("where a disk refuses one step, a store stays old or new, and recovers") {
  RefuseEach([](size_t step) { return [=](size_t number) { return number == step; }; });
}

}  // namespace
}  // namespace veneer::test
