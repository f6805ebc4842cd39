// Everything at once, workers killed too: for a minute, or for as many as VENEER_LOAD_MINUTES says. Eight
// readers, a lister and a stat storm are on the mount whose workers are killed; on another one, a few that do
// all of that.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/mount/logged_mount.h"
#include "tests/mount/switch_stage.h"
#include "tests/mount/worker_killer.h"
#include "tests/support/until.h"

namespace veneer::test {
namespace {

constexpr std::chrono::seconds kRound{10};  // what is seen in one is judged before the next
constexpr std::chrono::milliseconds kBetweenSwitches{50};
constexpr std::chrono::milliseconds kBetweenKills{1000};
constexpr long kGrowth = 8 << 10;  // KiB that are no leak: caches that fill, the C library's arenas

Roles OnTheFirst() {
  Roles roles(8, Role::kRead);
  roles.push_back(Role::kList);
  roles.push_back(Role::kStat);
  return roles;
}

int Rounds() {
  const char* minutes = std::getenv("VENEER_LOAD_MINUTES");
  return 6 * (minutes == nullptr ? 1 : std::max(1, std::atoi(minutes)));
}

// Scans the store again and again.
class Scanning {
 public:
  explicit Scanning(const SwitchRig& rig) : thread_([this, &rig] { Run(rig); }) {}
  ~Scanning() { Stop(); }
  Scanning(const Scanning&) = delete;
  Scanning& operator=(const Scanning&) = delete;

  void Stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  // Once stopped:
  int scans() const { return scans_; }
  const std::string& failure() const { return failure_; }

 private:
  void Run(const SwitchRig& rig) {
    while (!stop_ && failure_.empty()) {
      const CommandResult result = rig.Try({"scan"});
      if (result.status != 0) failure_ = result.out + result.err;
      ++scans_;
    }
  }

  std::atomic<bool> stop_{false};
  int scans_ = 0;
  std::string failure_;
  std::thread thread_;  // last: uses the others
};

// What a process holds.
struct Held {
  long resident = 0;  // KiB
  long descriptors = 0;
};

Held HeldBy(pid_t pid) {
  Held held;
  const std::string process = "/proc/" + std::to_string(pid);
  std::ifstream status(process + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) held.resident = std::stol(line.substr(6));
  }
  REQUIRE(held.resident > 0);
  using Iterator = std::filesystem::directory_iterator;
  held.descriptors = std::distance(Iterator(process + "/fd"), Iterator());
  return held;
}

// The guardians, supervisors and workers of both mounts, when nobody kills.
std::vector<Held> HeldByServers(const SwitchRig& rig) {
  std::vector<Held> held;
  for (const int mount : {0, 1}) {
    held.push_back(HeldBy(rig.GuardianOf(mount)));
    held.push_back(HeldBy(rig.ServerOf(mount)));
    held.push_back(HeldBy(rig.WorkerOf(mount)));
  }
  return held;
}

void CheckGrowth(const SwitchRig& rig, const std::vector<Held>& before) {
  const auto no_more = [](const Held& now, const Held& then) { return now.descriptors <= then.descriptors; };
  std::vector<Held> after;
  // A server closes the line of a client that has just ended a moment later; what leaks stays.
  Await([&] {
    after = HeldByServers(rig);
    return std::equal(after.begin(), after.end(), before.begin(), no_more);
  });
  for (size_t i = 0; i < before.size(); ++i) {
    INFO("process " << i);
    CHECK(after[i].resident <= before[i].resident + kGrowth);
    CHECK(after[i].descriptors <= before[i].descriptors);
  }
}

// What was done so far.
struct Done {
  int tree = 0;
  int switches = 0;
  int kills = 0;
};

// Switches and kills for a while. Afterwards each worker that was killed has its successor.
void RunRound(const SwitchRig& rig, Done& done) {
  SwitchStage stage(rig, done.tree, OnTheFirst());
  stage.WaitForAll();
  {
    Switcher switcher(rig);
    WorkerKiller killer(rig, stage.first(), kBetweenKills);
    const auto end = std::chrono::steady_clock::now() + kRound;
    for (auto next = end - kRound; next < end; ++done.switches) {
      done.tree = (done.tree + 1) % kTrees;
      stage.SwitchTo(done.tree, [&](int wanted) { switcher.SwitchTo(wanted); });
      next =
          std::max(next + kBetweenSwitches, std::chrono::steady_clock::now());  // a slow one delays the rest
      std::this_thread::sleep_until(next);
    }
    killer.Stop();
    done.kills += killer.kills();
    CHECK(killer.failure() == nullptr);
  }
  stage.WaitForAll();
  stage.Judge();
  Until("the last worker's successor",
        [&] { return rig.Status(0).at("counters").at("worker_restarts") >= done.kills; });
}

// What the mount counted: what was done to it, and nothing that went wrong.
void CheckCounters(const SwitchRig& rig, int mount, int switches, int kills) {
  const nlohmann::json counters = rig.Status(mount).at("counters");
  INFO(counters);
  CHECK(counters.at("failures") == 0);
  for (const auto& kind : counters.at("failures_by_kind")) CHECK(kind == 0);
  CHECK(counters.at("blocks_damaged") == 0);
  CHECK(counters.at("events_lost") == 0);
  CHECK(counters.at("switches") == switches);
  CHECK(counters.at("worker_deaths") == kills);
  CHECK(counters.at("worker_restarts") == kills);
}

// Its log: likewise.
void CheckLog(const std::vector<std::string>& lines, int switches, int kills) {
  auto events = ByEvent(lines);
  const auto times = [&](const char* event) { return static_cast<int>(events[event].size()); };
  CHECK(times("mount") == 1);
  CHECK(times("unmount") == 1);
  CHECK(times("switch") == switches);
  CHECK(times("worker-died") == kills);
  for (const std::string& line : events["worker-died"]) CHECK(line.find("signal 9") != std::string::npos);
  for (const char* belongs : {"mount", "unmount", "switch", "worker-died"}) events.erase(belongs);
  for (const auto& [event, strange] : events) FAIL_CHECK(strange.size() << " such: " << strange.front());
}

TEST_CASE("readers, switches, kills and scans together do no harm to each other, and nothing grows") {
  const SwitchRig rig(0);
  LoggedMount first(rig, 0);
  LoggedMount second(rig, 1);
  Scanning scanning(rig);
  Done done;
  RunRound(rig, done);
  const auto before = HeldByServers(rig);
  const int rounds = Rounds();
  for (int round = 1; round < rounds; ++round) RunRound(rig, done);
  CheckGrowth(rig, before);
  scanning.Stop();
  CHECK(scanning.failure() == "");
  CHECK(scanning.scans() > 0);
  WARN(done.kills << " kills, " << scanning.scans() << " scans");

  CheckCounters(rig, 0, done.switches, done.kills);
  CheckCounters(rig, 1, done.switches, 0);
  CheckLog(first.End(), done.switches, done.kills);
  CheckLog(second.End(), done.switches, 0);
}

}  // namespace
}  // namespace veneer::test
