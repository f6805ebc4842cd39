// The real program is killed at any time while it changes a store.
#include <chrono>
#include <csignal>
#include <random>

#include "tests/crash/trial.h"
#include "tests/support/seeds.h"

namespace veneer::test {
namespace {

using Clock = std::chrono::steady_clock;

constexpr uint64_t kRounds = 300;

// As many rounds as VENEER_SEEDS=FROM-TO has seeds; by itself other ones each time.
Seeds Rounds() {
  const uint64_t from = std::random_device()();
  const Seeds some = SeedsOr(kRounds);
  if (std::getenv("VENEER_SEEDS") != nullptr) return some;
  return {from, from + kRounds - 1};
}

void SpinUntil(Clock::time_point end) {
  while (Clock::now() < end) continue;
}

// A scene, and how long the program takes for its command.
struct Target {
  explicit Target(const Scene& scene) : trial(scene) {
    trial.Place(trial.tree());
    const auto begin = Clock::now();
    const CommandResult whole = Command(trial.ProgramCommand()).Wait();
    length = Clock::now() - begin;
    INFO(whole.err);
    REQUIRE(whole.status == 0);
  }

  Trial trial;
  Clock::duration length{};
};

TEST_CASE("a command killed at any time leaves a store that is old or new, whole, and goes on") {
  const std::vector<Scene> scenes = Scenes();
  std::vector<std::unique_ptr<Target>> targets;
  for (const Scene& scene : scenes) targets.push_back(std::make_unique<Target>(scene));
  const Seeds rounds = Rounds();
  WARN("killing with VENEER_SEEDS=" << rounds.from << "-" << rounds.to);
  uint64_t killed = 0;
  for (uint64_t seed = rounds.from; seed <= rounds.to; ++seed) {
    std::mt19937_64 random(seed);
    const size_t which = random() % targets.size();
    Target& target = *targets[which];
    const auto after = Clock::duration(
        static_cast<Clock::rep>(random() % static_cast<uint64_t>(target.length.count() * 11 / 10)));
    INFO(scenes[which].name << ", seed " << seed << ", killed after "
                            << std::chrono::duration_cast<std::chrono::microseconds>(after).count() << " us");
    target.trial.Place(target.trial.tree());
    {
      const auto end = Clock::now() + after;
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
