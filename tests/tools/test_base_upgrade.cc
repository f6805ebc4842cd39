// A newer base: at once, or at the next mount where something stands in the way.
#include <sys/mount.h>

#include <filesystem>
#include <map>

#include "tests/support/process.h"
#include "tests/tools/forge.h"
#include "tests/tools/policy_store.h"

namespace veneer::test {
namespace {

namespace stdfs = std::filesystem;
using Ids = std::vector<std::string>;

// A store with a patch of the first base active, a second base installed, and a patch that applies to it.
class UpgradeStore : public PolicyStore {
 public:
  UpgradeStore() {
    old_patch = Install(Patch("old", "lib", 1));
    Json({"activate"});
    shop.Write("tree/usr/bin/other", "of the second base");
    const std::string file = Base("2");
    base2 = Install(file);
    new_patch = Install(PatchWith("new", "net", 1, {"usr/lib/net", "", {}, file}));
    stdfs::create_directories(mount());
  }
  ~UpgradeStore() {
    ::umount2((mount() + "/usr/bin").c_str(), MNT_DETACH);
    ::umount2(mount().c_str(), MNT_DETACH);
  }
  UpgradeStore(const UpgradeStore&) = delete;
  UpgradeStore& operator=(const UpgradeStore&) = delete;

  std::string mount() const { return shop / "mnt"; }
  std::string Other() const { return ReadFile(mount() + "/usr/bin/other"); }

  Ids Before() const { return {base, old_patch}; }
  Ids After() const { return {base2, new_patch}; }

  std::string old_patch, base2, new_patch;  // their ids
};

// Why `gc` kept each layer, by id.
std::map<std::string, std::string> ReasonsToKeep(const nlohmann::json& gc) {
  std::map<std::string, std::string> reasons;
  for (const auto& layer : gc.at("kept")) reasons[layer.at("id")] = layer.at("reason");
  return reasons;
}

TEST_CASE("a newer base comes with the patches that apply to it; going back is one revert") {
  const UpgradeStore store;
  const auto activated = store.Json({"activate"});
  CHECK(store.Current() == store.After());
  REQUIRE(activated.at("left_out").size() == 1);
  CHECK(activated.at("left_out")[0].at("id") == store.old_patch);
  CHECK(activated.at("left_out")[0].at("active") == true);
  store.Json({"revert"});
  CHECK(store.Current() == store.Before());
}

TEST_CASE("a newer base goes live where nothing is mounted below") {
  const UpgradeStore store;
  store.Json({"mount", store.mount()});
  CHECK(store.Other() == std::string(9000, 'o'));
  store.Json({"activate"});
  CHECK(store.Other() == "of the second base");
  store.Json({"revert"});
  CHECK(store.Other() == std::string(9000, 'o'));
  CHECK(ReadFile(store.mount() + "/usr/lib/lib") == "old");
}

TEST_CASE("where something is mounted below, a newer base waits for the next mount") {
  const UpgradeStore store;
  store.Json({"mount", store.mount()});
  REQUIRE(::mount("tmpfs", (store.mount() + "/usr/bin").c_str(), "tmpfs", 0, nullptr) == 0);
  RequireErrorLine(store.Run({"activate"}), 5, "activate", {"--next-boot"});
  const auto waits = store.Json({"activate", "--next-boot"});
  CHECK(waits.at("pending") == 3);
  CHECK(waits.at("left_out").size() == 1);
  CHECK(store.Current() == store.Before());
  CHECK(store.Json({"status"}).at("pending") == 3);
  CHECK(stdfs::is_empty(store.mount() + "/usr/bin"));

  // A second mount beside the first stays with what that one shows.
  stdfs::create_directories(store.shop / "second");
  store.Json({"mount", store.shop / "second"});
  CHECK(store.Json({"status"}).at("generation") == 2);
  store.Json({"umount", store.shop / "second"});

  REQUIRE(::umount2((store.mount() + "/usr/bin").c_str(), 0) == 0);
  store.Json({"umount", store.mount()});
  store.Json({"mount", store.mount()});
  CHECK(store.Other() == "of the second base");
  const auto status = store.Json({"status"});
  CHECK(status.at("generation") == 3);
  CHECK(status.at("pending") == 0);
  CHECK(store.Current() == store.After());
  store.Json({"revert"});
  CHECK(store.Other() == std::string(9000, 'o'));
  CHECK(store.Current() == store.Before());
}

TEST_CASE("what waits is taken back by one revert, and dropped by a switch") {
  const UpgradeStore store;
  store.Json({"activate", "--next-boot"});
  CHECK(store.Json({"revert"}).at("pending") == 0);
  CHECK(store.Json({"status"}).at("pending") == 0);
  CHECK(store.Current() == store.Before());
  store.Json({"activate", "--next-boot"});
  store.Json({"revert", "--all"});
  CHECK(store.Json({"status"}).at("pending") == 0);
  store.Json({"mount", store.mount()});
  CHECK(store.Other() == std::string(9000, 'o'));
}

TEST_CASE("what a switch drops is nothing to go back to, and gc keeps what was current before") {
  const UpgradeStore store;
  CHECK(store.Json({"activate", "--next-boot"}).at("pending") == 3);
  CHECK(store.Json({"revert", "lib"}).at("generation") == 4);
  CHECK(store.Current() == Ids{store.base});
  CHECK(store.Json({"gc", "--keep", "1"}).at("removed").empty());
  store.Json({"revert"});
  CHECK(store.Current() == store.Before());
  RequireError(store.Run({"revert", "--to", "3"}), 1, "revert", {"no generation 3"});
}

TEST_CASE("of generations that wait one after the other only the last is on record") {
  const UpgradeStore store;
  CHECK(store.Json({"activate", "--next-boot"}).at("pending") == 3);
  CHECK(store.Json({"activate", "--next-boot"}).at("pending") == 4);
  RequireError(store.Run({"revert", "--to", "3"}), 1, "revert", {"no generation 3"});
  CHECK(store.Json({"revert"}).at("pending") == 0);
  RequireError(store.Run({"revert", "--to", "4"}), 1, "revert", {"no generation 4"});
  CHECK(store.Json({"activate", "--next-boot"}).at("pending") == 5);  // no number is given again
  store.Json({"mount", store.mount()});
  CHECK(store.Json({"status"}).at("generation") == 5);
  store.Json({"revert"});
  CHECK(store.Current() == store.Before());
}

TEST_CASE("what was to wait and was taken back stays installed, for it was never active") {
  const UpgradeStore store;
  store.Json({"activate", "--next-boot"});
  store.Json({"revert"});
  const auto gc = store.Json({"gc", "--keep", "0"});
  CHECK(gc.at("removed").empty());
  auto reasons = ReasonsToKeep(gc);
  CHECK(reasons[store.new_patch] == "waits to be activated");
  CHECK(reasons[store.base2] == "waits to be activated");
  store.Json({"activate"});
  CHECK(store.Current() == store.After());
}

TEST_CASE("a mount that shows what waited goes on when that is dropped") {
  const UpgradeStore store;
  store.Json({"activate"});
  store.Json({"revert"});
  store.Json({"activate", "--next-boot"});
  store.Json({"mount", "--generation", "5", store.mount()});
  store.Json({"revert"});
  const auto gc = store.Json({"gc", "--keep", "0"});
  CHECK(gc.at("removed").empty());
  auto reasons = ReasonsToKeep(gc);
  for (const std::string& layer : store.After()) CHECK(reasons[layer] == "shown at " + store.mount());
  KillEach({store.Json({"status"}).at("mounts").at(0).at("supervisor_pid")});
  CHECK(store.Other() == "of the second base");
  store.Json({"reload"});
  CHECK(store.Other() == "of the second base");
  store.Json({"ps"});
  CHECK(store.Json({"why", store.mount() + "/usr/bin/other"}).at("layer") == store.base2);
}

TEST_CASE("what waits and no longer holds keeps nobody from mounting") {
  const UpgradeStore store;
  store.Json({"activate", "--next-boot"});
  SECTION("a layer of it is gone") {
    stdfs::remove(store.path() + "/layers/" + store.base2 + ".layer");
  }
  SECTION("a patch of it is withdrawn") {
    store.Json({"install", store.Withdraw("w", store.new_patch)});
  }
  store.Json({"mount", store.mount()});
  CHECK(store.Other() == std::string(9000, 'o'));
  CHECK(store.Json({"status"}).at("generation") == 2);
  CHECK(store.Json({"status"}).at("pending") == 3);
}

}  // namespace
}  // namespace veneer::test
