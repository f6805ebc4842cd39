// The attack table, last part: what is done to a store while it is mounted.
#include <sys/mount.h>

#include <filesystem>

#include "tests/tools/attack.h"

namespace veneer::test {
namespace {

namespace stdfs = std::filesystem;

// An attacked store with a patch active, mounted.
class MountedStore : public AttackedStore {
 public:
  MountedStore() {
    patch = Install(Good());
    Json({"activate"});
    stdfs::create_directories(mount());
    Json({"mount", mount()});
  }
  ~MountedStore() { ::umount2(mount().c_str(), MNT_DETACH); }
  MountedStore(const MountedStore&) = delete;
  MountedStore& operator=(const MountedStore&) = delete;

  std::string mount() const { return shop / "mnt"; }
  std::string Layer(const std::string& id) const { return path() + "/layers/" + id + ".layer"; }

  // The mount still shows base and patch, byte for byte.
  void RequireShown() const {
    CHECK(ReadFile(mount() + "/usr/lib/lib") == "good");
    CHECK(ReadFile(mount() + "/usr/bin/other") == std::string(9000, 'o'));
  }

  std::string patch;  // its id
};

TEST_CASE("attack: a layer file removed or replaced under an active mount") {
  const MountedStore store;
  const std::string file = store.Layer(store.patch);
  const std::string other = store.shop / "other";
  stdfs::create_directories(other);

  SECTION("removed") {
    stdfs::remove(file);
  }
  SECTION("replaced by what is no layer") {
    stdfs::remove(file);
    WriteFile(file, "nothing");
  }
  SECTION("replaced by another signed layer") {
    stdfs::remove(file);
    stdfs::copy_file(store.Patch("other", "lib", 1), file);
  }
  store.RequireShown();
  store.Repels({"status"}, "damaged", 3);
  store.Repels({"scan"}, "damaged", 3);
  store.Repels({"mount", other}, "damaged", 3);
  CHECK(stdfs::is_empty(other));
  store.RequireShown();
  // The owner gets out of it live, and the layer comes back only as what it was.
  store.Json({"revert", "--all"});
  CHECK_FALSE(stdfs::exists(store.mount() + "/usr/lib/lib"));
  CHECK(store.Json({"install", store.shop / "good.layer"}).at("installed").at(0).at("repaired") == true);
  store.Json({"activate"});
  store.RequireShown();
}

TEST_CASE("attack: a letter that waits for the next mount while a floor is raised above it") {
  const AttackedStore store;
  store.Install(store.Patch("one", "lib", 1));
  store.Json({"activate", "lib", "--next-boot"});
  store.Install(store.Patch("three", "lib", 3, {"--security-floor", "2"}));
  const std::string mount = store.shop / "mnt";
  stdfs::create_directories(mount);
  const auto before = TakeSnapshot(store.path());
  const CommandResult mounted = store.Run({"mount", mount});
  CHECK(mounted.status == 0);  // a machine boots
  CHECK(mounted.err.find("the security floor of lib") != std::string::npos);
  CHECK(TakeSnapshot(store.path()) == before);
  CHECK(store.Current() == std::vector<std::string>{store.base});
  store.Json({"umount", mount});
  // The owner's own way back is not bound by it.
  store.Json({"revert", "--to", "2", "--next-boot"});
  store.Json({"mount", mount});
  CHECK(store.Current().size() == 2);
  store.Json({"umount", mount});
}

TEST_CASE("attack: the trust store emptied at mount time") {
  const MountedStore store;
  for (const char* role : {"base.d", "patch.d", "feed.d"}) stdfs::remove(store.Trust(role) + "/ca.pem");
  const std::string other = store.shop / "other";
  stdfs::create_directories(other);
  store.Repels({"mount", other}, "untrusted");
  CHECK(stdfs::is_empty(other));
  store.Repels({"install", store.shop / "good.layer"}, "untrusted");
  store.Repels({"status"}, "untrusted");
  store.RequireShown();
  stdfs::remove_all(store.path() + "/trust");
  store.Repels({"mount", other}, "not-found", 1);
  store.RequireShown();
}

}  // namespace
}  // namespace veneer::test
