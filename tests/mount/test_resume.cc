// Another supervisor goes on where one was killed.
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

#include "fs/base/unique_fd.h"
#include "tests/mount/damage.h"
#include "tests/mount/kept_mount.h"
#include "tests/mount/switch_rig.h"

namespace veneer::test {
namespace {

namespace stdfs = std::filesystem;

const std::set<std::string> kOfBase = {"veneer-counts", "veneer-device", "veneer-layer-1", "veneer-state"};

// How many layer files a supervisor has open.
size_t OpenLayers(const SwitchRig& rig, pid_t supervisor) {
  size_t layers = 0;
  for (const auto& fd : stdfs::directory_iterator("/proc/" + std::to_string(supervisor) + "/fd")) {
    std::error_code gone;
    if (stdfs::read_symlink(fd.path(), gone).string().starts_with(rig.store() + "/layers/")) ++layers;
  }
  return layers;
}

TEST_CASE("a supervisor that is killed while a switch is prepared leaves nothing of it to the next") {
  const SwitchRig rig(0);
  stdfs::create_directories(rig.mount(0));
  KeptMount mount(rig.store(), rig.mount(0));
  REQUIRE(mount.Names() == kOfBase);
  {
    fuse::LiveMount found = rig.OnlyMount();
    REQUIRE_OK(found.channel.Ask({{"request", "prepare"}, {"generation", 2}, {"layers", rig.StackOf(2)}}));
    CHECK(OpenLayers(rig, mount.supervisor()) == 3);
    CHECK(mount.Names().size() == kOfBase.size() + 2);
    mount.KillAndResume();
  }
  CHECK(mount.Names() == kOfBase);
  CHECK(OpenLayers(rig, mount.supervisor()) == 1);
  CHECK(rig.Generations().at(rig.mount(0)) == 1);
  rig.SwitchByProgram(2);
  CHECK(mount.Names().size() == kOfBase.size() + 2);
  mount.KillAndResume();
  CHECK(rig.Generations().at(rig.mount(0)) == 2);
}

// As after a catalog was lost, and made anew by hand while the mount was there.
TEST_CASE("a record that means another stack by the number that is shown is no news, and not the same") {
  const SwitchRig rig(1);
  fuse::LiveMount mount = rig.OnlyMount();
  CHECK(mount.effective_root() == ToHex(catalog::EffectiveRoot(rig.StackOf(0))));
  const auto other =
      mount.channel.Ask({{"request", "prepare"}, {"generation", 1}, {"layers", rig.StackOf(1)}});
  REQUIRE_FAILS(ErrorCode::kDamaged, other);
  CHECK(other.error().message().find("unmount it and mount it again") != std::string::npos);
  REQUIRE_OK(mount.channel.Ask({{"request", "prepare"}, {"generation", 1}, {"layers", rig.StackOf(0)}}));
  REQUIRE_OK(mount.channel.Ask({{"request", "abort"}}));
  const auto store = catalog::Store::Open(rig.store());
  REQUIRE_OK(store);
  catalog::GenerationRecord record{1, rig.StackOf(1), catalog::EffectiveRoot(rig.StackOf(1)), "activate", 0};
  REQUIRE_FAILS(ErrorCode::kDamaged, fuse::CatchUp(*store, record));
  record = {1, rig.StackOf(0), catalog::EffectiveRoot(rig.StackOf(0)), "activate", 0};
  const auto same = fuse::CatchUp(*store, record);
  REQUIRE_OK(same);
  CHECK(same->mounts.empty());
}

// The catalog is not trusted: its layers' signatures say nothing of their order.
TEST_CASE("a generation whose layers are no stack is not shown") {
  const SwitchRig rig(1);
  fuse::LiveMount mount = rig.OnlyMount();
  const auto stack = rig.StackOf(2);
  for (const auto& layers : {std::vector{stack[1], stack[0]}, std::vector{stack[1]},
                             std::vector{stack[0], stack[2]}, std::vector{stack[0], stack[1], stack[1]}}) {
    REQUIRE_FAILS(ErrorCode::kDamaged,
                  mount.channel.Ask({{"request", "prepare"}, {"generation", 2}, {"layers", layers}}));
  }
  REQUIRE_OK(mount.channel.Ask({{"request", "prepare"}, {"generation", 2}, {"layers", stack}}));
}

}  // namespace
}  // namespace veneer::test
