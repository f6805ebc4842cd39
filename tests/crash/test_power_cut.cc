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
  for (const Scene& scene : Scenes()) {
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
  for (const Scene& scene : Scenes()) {
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

TEST_CASE("likewise where some of what was not synced survives, torn or in another order") {
  const Seeds seeds = SeedsOr(20);
  for (const Scene& scene : Scenes()) {
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

}  // namespace
}  // namespace veneer::test
