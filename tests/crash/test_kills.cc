// The real program is killed at any time while it changes a store.
#include <csignal>

#include "tests/crash/trial.h"
#include "tests/support/kill_times.h"

namespace veneer::test {
namespace {

constexpr uint64_t kRounds = 300;

// A scene, and how long the program takes for its command.
struct Target {
  explicit Target(const Scene& scene) : trial(scene) {
    trial.Place(trial.tree());
    const auto begin = KillClock::now();
    const CommandResult whole = Command(trial.ProgramCommand()).Wait();
    length = KillClock::now() - begin;
    INFO(whole.err);
    REQUIRE(whole.status == 0);
  }

  Trial trial;
  KillClock::duration length{};
};

TEST_CASE("a command killed at any time leaves a store that is old or new, whole, and goes on") {
  const std::vector<Scene> scenes = Scenes();
  std::vector<std::unique_ptr<Target>> targets;
  for (const Scene& scene : scenes) targets.push_back(std::make_unique<Target>(scene));
  const Seeds rounds = RoundsOr(kRounds);
  WARN("killing with VENEER_SEEDS=" << rounds.from << "-" << rounds.to);
  uint64_t killed = 0;
  for (uint64_t seed = rounds.from; seed <= rounds.to; ++seed) {
    std::mt19937_64 random(seed);
    const size_t which = random() % targets.size();
    Target& target = *targets[which];
    const auto after = AnyTimeIn(target.length, random);
    INFO(scenes[which].name << ", seed " << seed << ", killed after "
                            << std::chrono::duration_cast<std::chrono::microseconds>(after).count() << " us");
    target.trial.Place(target.trial.tree());
    {
      const auto end = KillClock::now() + after;
      Command command(target.trial.ProgramCommand());
      SpinUntil(end);
      command.Signal(SIGKILL);
      if (command.Wait().status == 128 + SIGKILL) ++killed;
    }
    target.trial.RequireRecovers();
  }
  CHECK(killed >= (rounds.to - rounds.from) / 4);
}

}  // namespace
}  // namespace veneer::test
