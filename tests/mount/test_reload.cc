// Another server is put under a mount that is in use.
#include <signal.h>

#include <optional>
#include <set>
#include <thread>

#include "fs/fuse/guardian.h"
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

// Kills the server that is to let go just before it is asked to.
class KillingKeeper final : public fuse::Keeper {
 public:
  KillingKeeper(fuse::Keeper& keeper, pid_t victim) : keeper_(keeper), victim_(victim) {}
  void Keep(const std::string& name, int fd) override { keeper_.Keep(name, fd); }
  void Drop(const std::string& name) override { keeper_.Drop(name); }
  std::string ReplaceCommand() const override { return ""; }
  Status Consent() override {
    ::kill(victim_, SIGKILL);
    WaitForEnd(victim_);
    return keeper_.Consent();
  }

 private:
  fuse::Keeper& keeper_;
  pid_t victim_;
};

TEST_CASE("a server that is killed while it is taken over has one successor, its guardian's") {
  const SwitchRig rig(1);
  const pid_t former_guardian = rig.GuardianOf(0);
  const pid_t former = rig.ServerOf(0);
  const auto ignore = [](const fuse::Happening&) {};
  fuse::LiveMount mount = rig.OnlyMount();
  fuse::Guardian guardian([&](fuse::Guardian::Kept kept, fuse::Keeper& keeper) {
    return fuse::Supervisor::Resume(std::move(kept), keeper, ignore);
  });
  const Status taken = guardian.Start([&](fuse::Guardian::Kept, fuse::Keeper& keeper) {
    static std::optional<KillingKeeper> killing;  // outlives the supervisor, in whose process it is
    killing.emplace(keeper, former);
    return fuse::Supervisor::TakeOver(std::move(mount.channel), ignore, &*killing);
  });
  REQUIRE_FAILS(ErrorCode::kBusy, taken);
  Until("its successor", [&] { return !rig.TryStatus(0).is_null(); });
  CHECK(rig.GuardianOf(0) == former_guardian);
  rig.SwitchByProgram(1);
  rig.Run({"reload"});
  rig.SwitchByProgram(0);
}

}  // namespace
}  // namespace veneer::test
