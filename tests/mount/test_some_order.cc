// Twenty commands at once, of which hardly two may change places, on a store that is mounted: what comes of
// them is what comes of one after the other, in the order that the history tells.
#include <sys/mount.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <random>

#include "fs/catalog/catalog_lock.h"
#include "tests/crash/store_state.h"
#include "tests/mount/contest.h"
#include "tests/support/seeds.h"
#include "tests/tools/policy_store.h"

namespace veneer::test {
namespace {

namespace stdfs = std::filesystem;
using nlohmann::json;
using Words = std::vector<std::string>;

constexpr uint64_t kContests = 2;

// A mounted store in which generation 1 is the base alone, 2 has x, 3 has x and y, and the base is current
// again. The first sequence of w is installed and was never active.
class MountedStore : public PolicyStore {
 public:
  MountedStore() {
    w_ = Patch("w-b", "w", 2);
    v_ = Patch("v-a", "v", 1);
    Json({"install", Patch("x-a", "x", 1), "--activate"});
    Json({"install", Patch("y-a", "y", 1), "--activate"});
    Json({"revert", "--all"});
    Json({"install", Patch("w-a", "w", 1)});
    stdfs::create_directories(mount());
    Json({"mount", mount()});
  }
  ~MountedStore() { ::umount2(mount().c_str(), MNT_DETACH); }
  MountedStore(const MountedStore&) = delete;
  MountedStore& operator=(const MountedStore&) = delete;

  std::string mount() const { return shop / "mnt"; }

  // Each succeeds whatever came before it, and does something else by what that was. A bare activate takes
  // what is installed then; gc takes the first sequence of w once there is the second, unless it was active.
  std::vector<Words> Commands() const {
    return {{"activate", "x"},
            {"activate", "x"},
            {"activate", "y"},
            {"activate", "y"},
            {"activate", "x", "y"},
            {"activate"},
            {"activate"},
            {"activate"},
            {"revert", "--all"},
            {"revert", "--all"},
            {"revert"},
            {"revert"},
            {"revert", "--to", "2"},
            {"install", w_},
            {"revert", "--to", "3"},
            {"install", w_, v_},
            {"install", v_, "--activate"},
            {"reload"},
            {"gc", "--keep", "99"},
            {"gc", "--keep", "99"}};
  }

 private:
  std::string w_, v_;  // files
};

// Starts all while none can begin, and lets them go.
void RunAtOnce(const MountedStore& store, std::vector<std::unique_ptr<Contestant>>& contestants,
               uint64_t seed) {
  auto commands = store.Commands();
  CHECK(commands.size() == 20);
  std::mt19937_64 random(seed);
  std::shuffle(commands.begin(), commands.end(), random);
  auto held = catalog::HoldCatalog(store.path() + "/catalog", std::chrono::seconds(0));
  REQUIRE_OK(held);
  for (const Words& words : commands)
    contestants.push_back(std::make_unique<Contestant>(store.path(), words));
  for (const auto& one : contestants) one->RequireWaits();
  held->reset();
  for (const auto& one : contestants) one->RequireDone();
}

// The mount shows what is current: each patch is a file that has its name.
void RequireShown(const MountedStore& store) {
  const json status = store.Json({"status"});
  CHECK(status.at("mounts").at(0).at("generation") == status.at("generation"));
  std::map<std::string, std::string> shown;
  for (const char* component : {"v", "w", "x", "y"}) {
    const std::string path = store.mount() + "/usr/lib/" + component;
    if (stdfs::exists(path)) shown[component] = store.shop.Read(path);
  }
  std::map<std::string, std::string> wanted;
  for (const json& layer : status.at("layers")) {
    if (layer.at("kind") == "patch")
      wanted[layer.at("component")] =
          fmt::format("{}-{}", std::string(layer.at("component")), std::string(layer.at("letter")));
  }
  CHECK(shown == wanted);
}

TEST_CASE("twenty commands at once, most of which do not commute, are as the same one after the other") {
  const Seeds contests = SeedsOr(kContests);
  for (uint64_t seed = contests.from; seed <= contests.to; ++seed) {
    INFO("contest " << seed);
    const MountedStore store;
    const std::string copy = store.shop / "copy";
    REQUIRE(RunCommand({"cp", "-a", store.path(), copy}).status == 0);
    const Record before(store.path());
    std::vector<std::unique_ptr<Contestant>> contestants;
    RunAtOnce(store, contestants, seed);

    const Record after(store.path());
    std::multimap<Place, const Contestant*> order;
    for (const auto& one : contestants) {
      if (const auto place = PlaceOf(one->answer(), after, before.events.size()))
        order.emplace(*place, one.get());
    }
    Replay(copy, order);
    CHECK(Record(copy).Lines() == after.Lines());
    std::string wrong;
    const auto state = ReadWholeStore(store.path(), wrong);
    INFO(wrong);
    REQUIRE(state);
    CHECK(ReadWholeStore(copy, wrong) == state);
    RequireShown(store);
    const uint64_t made = after.generations.size() - before.generations.size();
    CHECK(made > 3);
    CHECK(store.Json({"status"}).at("mounts").at(0).at("counters").at("switches") == made);
    WARN(order.size() << " of 20 commands had a place in the history, which has " << made << " generations");
  }
}

}  // namespace
}  // namespace veneer::test
