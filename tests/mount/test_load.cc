// Everything at once, workers killed too: for a minute, or for as many as VENEER_LOAD_MINUTES says.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/mount/switch_stage.h"
#include "tests/mount/worker_killer.h"

namespace veneer::test {
namespace {

constexpr std::chrono::seconds kRound{10};  // what is seen in one is judged before the next
constexpr std::chrono::milliseconds kBetweenSwitches{50};
constexpr std::chrono::milliseconds kBetweenKills{1000};
constexpr long kGrowth = 8 << 10;  // KiB that are no leak: caches that fill, the C library's arenas

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

// The supervisors of both mounts, and the one worker that nobody kills.
std::vector<Held> HeldByServers(const SwitchRig& rig) {
  return {HeldBy(rig.ServerOf(0)), HeldBy(rig.ServerOf(1)), HeldBy(rig.WorkerOf(1))};
}

void CheckGrowth(const std::vector<Held>& before, const std::vector<Held>& after) {
  for (size_t i = 0; i < before.size(); ++i) {
    INFO("server " << i);
    CHECK(after[i].resident <= before[i].resident + kGrowth);
    CHECK(after[i].descriptors <= before[i].descriptors);
  }
}

// Switches for a while; returns the tree that is shown then.
int RunRound(const SwitchRig& rig, int tree) {
  SwitchStage stage(rig, tree);
  stage.WaitForAll();
  {
    Switcher switcher(rig);
    const WorkerKiller killer(rig, stage.first(), kBetweenKills);
    const auto end = std::chrono::steady_clock::now() + kRound;
    for (int next = tree; std::chrono::steady_clock::now() < end;) {
      next = (next + 1) % kTrees;
      stage.SwitchTo(next, [&](int wanted) { switcher.SwitchTo(wanted); });
      std::this_thread::sleep_for(kBetweenSwitches);
    }
  }
  stage.WaitForAll();
  stage.Judge();
  return stage.tree();
}

TEST_CASE("readers, switches and scans together do no harm to each other, and nothing grows") {
  const SwitchRig rig(2);
  Scanning scanning(rig);
  int tree = RunRound(rig, 0);
  const auto before = HeldByServers(rig);
  const int rounds = Rounds();
  for (int round = 1; round < rounds; ++round) tree = RunRound(rig, tree);
  CheckGrowth(before, HeldByServers(rig));
  scanning.Stop();
  CHECK(scanning.failure() == "");
  CHECK(scanning.scans() > 0);

  // What the mounts logged: what was done to them, and nothing else.
  for (const auto& event : rig.Json({"history", "--limit", "0"}).at("events")) {
    const std::string kind = event.at("kind");
    INFO(event);
    CHECK_FALSE(
        (kind == "corruption" || kind == "read-error" || kind == "worker-throttled" || kind == "resume"));
  }
}

}  // namespace
}  // namespace veneer::test
