// The power is cut after each single step of each command that changes a store.
#include <set>

#include "fs/crypto/sha256.h"
#include "tests/crash/disk_model.h"
#include "tests/crash/trial.h"
#include "tests/support/seeds.h"

namespace veneer::test {
namespace {

// Tells what was not seen before.
class Novelty {
 public:
  bool IsNew(const Tree& tree) {
    std::string all;
    for (const auto& [path, content] : tree) {
      all += path + "\n" + (content ? ToHex(crypto::Sha256(*content)) : "folder") + "\n";
    }
    return seen_.insert(ToHex(crypto::Sha256(AsBytes(all)))).second;
  }

 private:
  std::set<std::string> seen_;
};

// RocksDB takes its lock by a file that holds nothing and is opened by others too.
Tree WithoutLocks(Tree tree) {
  std::erase_if(tree, [](const auto& entry) { return entry.first.ends_with("/LOCK"); });
  return tree;
}

TEST_CASE("every change of a store is one that a test can cut") {
  for (const Scene& scene : ScenesToCut()) {
    INFO(scene.name);
    Trial trial(scene);
    DiskModel disk(trial.tree());
    for (const Step& step : trial.steps()) disk.Apply(step);
    CHECK(WithoutLocks(disk.Now()) == WithoutLocks(trial.Present()));
    // And all of it is safe when the command says that it is done. RocksDB's log is begun anew at each open,
    // and synced with what is first written to it.
    const Tree safe = disk.AfterCut();
    for (const auto& [path, content] : WithoutLocks(disk.Now())) {
      INFO(path);
      if (!path.ends_with(".log")) CHECK((safe.contains(path) && safe.at(path) == content));
    }
  }
}

TEST_CASE("after a power cut at any step a store is old or new, whole, and the command completes") {
  for (const Scene& scene : ScenesToCut()) {
    Trial trial(scene);
    DiskModel disk(trial.tree());
    Novelty novelty;
    for (size_t i = 0; i <= trial.steps().size(); ++i) {
      INFO(scene.name << ", cut after step " << i << " of " << trial.steps().size());
      if (const Tree left = disk.AfterCut(); novelty.IsNew(left)) {
        trial.Place(left);
        trial.RequireRecovers();
      }
      if (i < trial.steps().size()) disk.Apply(trial.steps()[i]);
    }
  }
}

// The program itself is killed elsewhere (test_kills), on a disk that can exchange names.
TEST_CASE("a command that is killed after any step on a disk that cannot exchange names recovers") {
  for (const Scene& scene : Scenes()) {
    if (scene.exchanges) continue;
    Trial trial(scene);
    DiskModel disk(trial.tree());
    for (size_t i = 0; i < trial.steps().size(); ++i) {
      INFO(scene.name << ", killed after step " << i << " of " << trial.steps().size());
      disk.Apply(trial.steps()[i]);
      if (trial.steps()[i].kind != Step::Kind::kRename) continue;
      trial.Place(disk.Now());
      trial.RequireRecovers();
    }
  }
}

TEST_CASE("likewise where one change of a name survives alone, or is lost alone") {
  for (const Scene& scene : ScenesToCut()) {
    Trial trial(scene);
    DiskModel disk(trial.tree());
    Novelty novelty;
    const auto require_recovers = [&](const Tree& left) {
      if (!novelty.IsNew(left)) return;
      trial.Place(left);
      trial.RequireRecovers();
    };
    for (size_t i = 0; i < trial.steps().size(); ++i) {
      disk.Apply(trial.steps()[i]);
      if (trial.steps()[i].kind == Step::Kind::kWrite) continue;  // that changes no name
      for (size_t name = 0; name < disk.UnsyncedNames(); ++name) {
        INFO(scene.name << ", cut after step " << i + 1 << " of " << trial.steps().size() << ", name "
                        << name);
        require_recovers(disk.AfterCutKeeping(name));
        require_recovers(disk.AfterCutLosing(name));
      }
    }
  }
}

TEST_CASE("likewise where some of what was not synced survives, torn or in another order") {
  const Seeds seeds = SeedsOr(20);
  for (const Scene& scene : ScenesToCut()) {
    Trial trial(scene);
    for (uint64_t seed = seeds.from; seed <= seeds.to; ++seed) {
      std::mt19937_64 random(seed);
      const size_t cut = random() % (trial.steps().size() + 1);
      INFO(scene.name << ", VENEER_SEEDS=" << seed << "-" << seed << ", cut after step " << cut << " of "
                      << trial.steps().size());
      DiskModel disk(trial.tree());
      for (size_t i = 0; i < cut; ++i) disk.Apply(trial.steps()[i]);
      trial.Place(disk.AfterCut(random));
      trial.RequireRecovers();
    }
  }
}

TEST_CASE("likewise where the power is cut a second time, while the command completes") {
  const Seeds seeds = SeedsOr(1);
  for (const Scene& scene : ScenesToCut()) {
    Trial trial(scene);
    DiskModel disk(trial.tree());
    Novelty novelty;
    for (size_t i = 0; i <= trial.steps().size(); ++i) {
      if (const Tree left = disk.AfterCut(); novelty.IsNew(left)) {
        trial.Place(left);
        const std::vector<Step> completing = trial.Complete();
        for (uint64_t seed = seeds.from; seed <= seeds.to; ++seed) {
          std::mt19937_64 random(seed + i);
          const size_t cut = random() % (completing.size() + 1);
          INFO(scene.name << ", VENEER_SEEDS=" << seed << "-" << seed << ", cut after step " << i << " of "
                          << trial.steps().size() << ", then after step " << cut << " of "
                          << completing.size());
          DiskModel again(left);
          for (size_t step = 0; step < cut; ++step) again.Apply(completing[step]);
          trial.Place(again.AfterCut(random));
          trial.RequireRecovers();
        }
      }
      if (i < trial.steps().size()) disk.Apply(trial.steps()[i]);
    }
  }
}

// Requires of each block of a layer in `left` that it is as it was in `before` or as in `after`. One that
// these have alike is so still; where they differ it may be of both a part.
void RequireNoneWorse(const Tree& left, const Tree& before, const Tree& after) {
  for (const auto& [path, content] : before) {
    if (!path.ends_with(".layer")) continue;
    INFO(path);
    REQUIRE((left.contains(path) && left.at(path)->size() == content->size()));
    for (size_t at = 0; at < content->size(); ++at) {
      const uint8_t byte = left.at(path)->at(at);
      if (byte != content->at(at) && byte != after.at(path)->at(at)) FAIL("byte " << at << " is another");
    }
  }
}

TEST_CASE("a repair is on the disk before the history tells of it") {
  const Trial trial(RepairScene());
  size_t synced = 0;   // after the last write to a layer
  size_t written = 0;  // the last write to a layer
  size_t told = 0;     // the first write of the event
  constexpr std::string_view kEvent = "damaged blocks, from";
  for (size_t i = 0; i < trial.steps().size(); ++i) {
    const Step& step = trial.steps()[i];
    if (step.path.ends_with(".layer")) (step.kind == Step::Kind::kSync ? synced : written) = i;
    if (told == 0 && AsText(step.bytes).find(kEvent) != std::string_view::npos) told = i;
  }
  CHECK(written > 0);
  CHECK(written < synced);
  CHECK(synced < told);
}

TEST_CASE("a cut while a layer is mended leaves each block as it was or good, and no other is touched") {
  Trial trial(RepairScene());
  const Tree after = trial.Present();
  size_t written = 0;
  for (const Step& step : trial.steps()) {
    if (step.path.ends_with(".layer") && step.kind == Step::Kind::kWrite) ++written;
  }
  REQUIRE(written > 2);
  const Seeds seeds = SeedsOr(20);
  DiskModel disk(trial.tree());
  for (size_t i = 0; i <= trial.steps().size(); ++i) {
    INFO("cut after step " << i << " of " << trial.steps().size());
    RequireNoneWorse(disk.AfterCut(), trial.tree(), after);
    for (uint64_t seed = seeds.from; seed <= seeds.to; ++seed) {
      std::mt19937_64 random(seed);
      RequireNoneWorse(disk.AfterCut(random), trial.tree(), after);
    }
    if (i < trial.steps().size()) disk.Apply(trial.steps()[i]);
  }
}

}  // namespace
}  // namespace veneer::test
