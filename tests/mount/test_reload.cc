// Another server is put under a mount that is in use.
#include <signal.h>

#include <set>
#include <thread>

#include "tests/mount/server_traces.h"
#include "tests/mount/used_mount.h"
#include "tests/support/process.h"
#include "tests/support/until.h"

namespace veneer::test {
namespace {

constexpr int kReloads = 20;

TEST_CASE("reload after reload, those who use the mount see no error, and nothing but what was there") {
  UsedMount mount;
  for (int i = 0; i < kReloads; ++i) {
    const pid_t server = mount.rig().ServerOf(0);
    mount.rig().Run({"reload"});
    CHECK(mount.rig().ServerOf(0) != server);
    mount.Check();
  }
  mount.Judge();
}

TEST_CASE("who asks while a mount gets another server is told of that mount once") {
  const SwitchRig rig(1);
  const auto store = catalog::Store::Open(rig.store());
  REQUIRE_OK(store);
  int asked = 0;
  std::set<size_t> seen;  // how many mounts there were
  std::jthread asking([&](const std::stop_token& stop) {
    for (; !stop.stop_requested(); ++asked) {
      const auto mounts = fuse::FindLiveMounts(store->identity());
      seen.insert(mounts ? mounts->size() : 99);
    }
  });
  for (int i = 0; i < kReloads; ++i) rig.Run({"reload"});
  asking.request_stop();
  asking.join();
  INFO(asked << " times asked");
  CHECK(seen == std::set<size_t>{1});
}

TEST_CASE("a worker that is killed while its mount gets another server does no harm either") {
  UsedMount mount;
  const SwitchRig& rig = mount.rig();
  for (int i = 0; i < kReloads; ++i) {
    const pid_t worker = rig.WorkerOf(0);
    Command reload(VeneerCommand({"--store", rig.store(), "reload"}));
    // At once, or when the new server is there and the old one may be still.
    if (i % 2 == 1) {
      Until("the new server",
            [&] { return ControlFiles(rig).size() >= 2 || !Runs(worker) || reload.Ended(); });
    }
    ::kill(worker, SIGKILL);
    const CommandResult result = reload.Wait();
    INFO(result.err);
    CHECK(result.status == 0);
    mount.Check();
  }
  mount.Judge();
}

TEST_CASE("a server that takes a mount over has no more open than the one before, nor have others") {
  const SwitchRig rig(2);
  rig.SwitchByProgram(1);
  const auto before = OpenFiles(rig);
  rig.Run({"reload", rig.mount(0)});
  CHECK(OpenFiles(rig) == before);
  rig.Run({"reload"});
  CHECK(OpenFiles(rig) == before);
}

}  // namespace
}  // namespace veneer::test
