// Two phases over all mounts: whoever dies in between, all that live show what is on record.
#include <sys/wait.h>
#include <unistd.h>

#include <condition_variable>
#include <csignal>
#include <mutex>

#include "fs/fuse/control_channel.h"
#include "fs/io/file_ops.h"
#include "tests/mount/program_trees.h"
#include "tests/mount/switch_rig.h"
#include "tests/support/control_thread.h"
#include "tests/support/failing_log.h"
#include "tests/support/process.h"
#include "tests/support/until.h"
#include "tests/tools/error_pipe.h"

namespace veneer::test {
namespace {

using nlohmann::json;

// On the control sockets, one more mount of the store, which stops the whole switch when it is asked for
// `where`, until it is let go. Its name says whether it is asked before the real ones or after them.
class Obstacle {
 public:
  Obstacle(const SwitchRig& rig, bool before_others, std::string where) : where_(std::move(where)) {
    auto store = catalog::Store::Open(rig.store());
    REQUIRE_OK(store);
    const std::string folder = fuse::ControlFolder(store->identity());
    thread_.emplace(fmt::format("{}/{}.sock", folder, before_others ? "!" : "~"),
                    [this](const json& request) { return Answer(request); });
  }
  ~Obstacle() { LetGo(); }
  Obstacle(const Obstacle&) = delete;
  Obstacle& operator=(const Obstacle&) = delete;

  // Returns when the switch stands still.
  void WaitUntilMet() {
    std::unique_lock lock(mutex_);
    REQUIRE(changed_.wait_for(lock, kPatience, [this] { return met_; }));
  }
  void LetGo() {
    const std::lock_guard lock(mutex_);
    go_ = true;
    changed_.notify_all();
  }

 private:
  Result<json> Answer(const json& request) {
    const std::string what = request.at("request");
    if (what == "status") return json{{"dir", "/obstacle"}, {"generation", 0}, {"pinned", false}};
    std::unique_lock lock(mutex_);
    if (what == where_) {
      met_ = true;
      changed_.notify_all();
      changed_.wait(lock, [this] { return go_; });
    }
    return json::object();
  }

  std::string where_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool met_ = false;                     // guarded by mutex_
  bool go_ = false;                      // guarded by mutex_
  std::optional<ControlThread> thread_;  // last: uses the others
};

std::string BigOn(const std::string& mount) {
  auto bytes = io::ReadWholeFile(mount + "/data/big", 1 << 20);
  REQUIRE_OK(bytes);
  return {bytes->begin(), bytes->end()};
}

void RequireAllShow(const SwitchRig& rig, int tree) {
  CHECK(rig.TreeOnRecord() == tree);
  const auto generation = rig.Json({"status"}).at("generation");
  const auto shown = rig.Generations();
  CHECK(shown.size() == 2);
  for (int i = 0; i < 2; ++i) {
    CHECK(shown.at(rig.mount(i)) == generation);
    CHECK(BigOn(rig.mount(i)) == BigContent(tree));
  }
}

TEST_CASE("a client killed between prepare and commit leaves all mounts at what is on record") {
  struct Stop {
    const char* where;
    bool before_others;
    int tree;  // that is on record when the client dies
  };
  const SwitchRig rig(2, MakeProgramTrees);
  for (const Stop stop : {Stop{"prepare", true, 0},     // nothing has happened
                          Stop{"prepare", false, 0},    // all are prepared, nothing is recorded
                          Stop{"commit", true, 1},      // recorded, none has switched
                          Stop{"commit", false, 1}}) {  // recorded, all have switched
    INFO(stop.where << (stop.before_others ? " before" : " after") << " the others");
    {
      Obstacle obstacle(rig, stop.before_others, stop.where);
      Command client(VeneerCommand({"--store", rig.store(), "activate", "p"}));
      obstacle.WaitUntilMet();
      client.Signal(SIGKILL);
      CHECK(client.Wait().status == 128 + SIGKILL);
    }
    RequireAllShow(rig, stop.tree);
    // The next one works as if nothing had been.
    rig.SwitchByProgram(2);
    RequireAllShow(rig, 2);
    rig.SwitchByProgram(0);
    RequireAllShow(rig, 0);
  }
}

TEST_CASE("a reload that is killed keeps others waiting until the server that it started is done") {
  const SwitchRig rig(1, MakeProgramTrees);
  {
    Obstacle obstacle(rig, true, "hand-over");
    Command reload(VeneerCommand({"--store", rig.store(), "reload"}));
    obstacle.WaitUntilMet();
    reload.Signal(SIGKILL);
    Until("the end of the reload", [&] { return reload.Ended(); });  // what it started has its output open
    ErrorPipe error;
    Command client(VeneerCommand({"--store", rig.store(), "activate", "p"}), error.write());
    CHECK(error.ReadLine() == "veneer: " + rig.store() + ": another change is under way, waiting for it");
    obstacle.LetGo();
    CHECK(client.Wait().status == 0);
    CHECK(reload.Wait().status == 128 + SIGKILL);
  }
  CHECK(rig.TreeOnRecord() == 1);
  CHECK(BigOn(rig.mount(0)) == BigContent(1));
  rig.Run({"reload"});
}

// Kills a process that is not our child, and returns when it holds nothing any more.
void Kill(pid_t pid) {
  REQUIRE(::kill(pid, SIGKILL) == 0);
  WaitForEnd(pid);
}

TEST_CASE("a mount whose server is killed during a switch does not hold up the others") {
  for (const char* where : {"prepare", "commit"}) {
    for (const bool before_others : {true, false}) {
      if (std::string(where) == "commit" && !before_others) continue;  // that is after the switch
      INFO(where << (before_others ? " before" : " after") << " the others");
      const SwitchRig rig(2, MakeProgramTrees);
      const std::vector<pid_t> victims = {rig.GuardianOf(0), rig.ServerOf(0)};
      CommandResult result;
      {
        Obstacle obstacle(rig, before_others, where);
        Command client(VeneerCommand({"--store", rig.store(), "--json", "activate", "p"}));
        obstacle.WaitUntilMet();
        for (const pid_t victim : victims) Kill(victim);
        obstacle.LetGo();
        result = client.Wait();
      }
      INFO(result.out << result.err);
      CHECK(result.status == 0);
      const json report = json::parse(result.out);
      REQUIRE(report.at("warnings").size() >= 1);
      CHECK(std::string(report.at("warnings").at(0)).find(rig.mount(0)) != std::string::npos);
      CHECK(rig.TreeOnRecord() == 1);
      CHECK(rig.Generations().at(rig.mount(1)) == 2);
      CHECK(BigOn(rig.mount(1)) == BigContent(1));
      rig.SwitchByProgram(0);
      CHECK(BigOn(rig.mount(1)) == BigContent(0));
    }
  }
}

TEST_CASE("a record that cannot be synced, and is there, is what all mounts show") {
  const SwitchRig rig(2, MakeProgramTrees);
  FailingLog log;
  {
    auto store = catalog::Store::Open(rig.store(), {}, {.env = log.env()});
    REQUIRE_OK(store);
    auto catalog = store->OpenCatalogForWriting(std::chrono::seconds(10));
    REQUIRE_OK(catalog);
    log.Fail();
    const auto report = fuse::SwitchGeneration(*store, **catalog, rig.StackOf(1), "activate",
                                               {0, 1700000000, "activate", 0, "test", "p"});
    REQUIRE_FAILS(ErrorCode::kIo, report);
  }
  Until("the mounts to show what is on record", [&] {
    const auto shown = rig.Generations();
    return shown.at(rig.mount(0)) == 2 && shown.at(rig.mount(1)) == 2;
  });
  RequireAllShow(rig, 1);
}

// A mount that was left behind shows an older generation than the one on record.
TEST_CASE("a mount that was left behind is taken along by the next activate, though nothing changes") {
  const SwitchRig rig(2, MakeProgramTrees);
  const pid_t slow = rig.ServerOf(0);
  auto store = catalog::Store::Open(rig.store());
  REQUIRE_OK(store);
  {
    // As after a crash of everything but that server: recorded, and it was never told.
    auto catalog = store->OpenCatalogForWriting(std::chrono::seconds(10));
    REQUIRE_OK(catalog);
    catalog::Update update;
    const auto layers = rig.StackOf(1);
    update.PutGeneration({2, layers, catalog::EffectiveRoot(layers), "activate", 1700000000});
    update.SetCurrent(2);
    REQUIRE_OK((*catalog)->Commit(std::move(update)));
  }
  CHECK(rig.ServerOf(0) == slow);
  CHECK(rig.Generations().at(rig.mount(0)) == 1);
  rig.Run({"activate", "--dry-run", "p"});
  CHECK(rig.Generations().at(rig.mount(0)) == 1);
  const auto report = rig.Json({"activate", "p"});
  CHECK(report.at("generation") == 2);
  CHECK(report.at("mounts").size() == 2);
  RequireAllShow(rig, 1);
}

}  // namespace
}  // namespace veneer::test
