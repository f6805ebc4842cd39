// Commands and workers are killed at any time while the store is mounted twice, and in use.
#include <csignal>
#include <map>
#include <optional>

#include "tests/crash/store_state.h"
#include "tests/mount/damage.h"
#include "tests/mount/live_commands.h"
#include "tests/mount/server_traces.h"
#include "tests/mount/switch_stage.h"
#include "tests/support/kill_times.h"
#include "tests/support/until.h"

namespace veneer::test {
namespace {

using nlohmann::json;

constexpr uint64_t kRounds = 200;
constexpr uint64_t kJudged = 30;  // rounds; what is seen in them is judged before the next
constexpr std::chrono::seconds kLived{
    1};  // a worker, when it is killed: less would pass for one that cannot live
constexpr int kMounts = 2;
const Roles kUsers = {Role::kAll};  // of each mount

class LiveKills {
 public:
  LiveKills() : commands_(rig_), killed_workers_(kMounts) {
    rig_.Run({"gc"});
    open_ = OpenFiles(rig_);
    Settle();
  }

  // Kills one of the commands, maybe a worker as well, and requires that nobody is harmed.
  void Round(uint64_t seed) {
    std::mt19937_64 random(seed);
    if (!stage_) stage_.emplace(rig_, tree_, kUsers, kUsers);
    const auto words = commands_.Pick(random, tree_);
    INFO("seed " << seed << ", killed: " << fmt::format("{}", fmt::join(words, " ")));
    stage_->Follow([&] {
      const int before = tree_;
      const bool killed = Disturb(words, random);
      Settle();
      if (killed && tree_ != before) ++switched_;
      return tree_;
    });
    const auto next = commands_.Pick(random, tree_);
    INFO("the next command: " << fmt::format("{}", fmt::join(next, " ")));
    stage_->Follow([&] {
      rig_.Run(next);
      RequireOnRecord(Status());
      return tree_;
    });
    stage_->WaitForAll();
    RequireWhole();
  }

  // Ends those who use the mounts. What they have seen was right, and nothing is left of any command.
  void Judge() {
    stage_->Judge();
    stage_.reset();
    RequireNothingLeft();
  }

  // That the servers have no more open than at first. To be called last.
  void RequireNoGrowth();

  uint64_t commands() const { return commands_killed_; }
  uint64_t switched() const { return switched_; }
  uint64_t workers() const { return workers_killed_; }

 private:
  bool Disturb(const std::vector<std::string>& words, std::mt19937_64& random);
  void KillWorker(size_t mount);
  json Status();
  bool IsOnRecord(const json& status) const;
  void RequireOnRecord(const json& status) const;
  void Settle();
  StoreState RequireWhole();
  void RequireNothingLeft();

  SwitchRig rig_{kMounts};
  LiveCommands commands_;
  std::vector<std::vector<std::string>> open_;
  std::map<std::string, KillClock::duration> lengths_;  // what a command takes, by its verb
  std::map<std::string, pid_t> workers_;                // by mount point
  std::vector<KillClock::time_point> killed_workers_;   // when, the last one of each mount
  int tree_ = 0;
  std::optional<SwitchStage> stage_;
  uint64_t commands_killed_ = 0;
  uint64_t switched_ = 0;  // by commands that were killed
  uint64_t workers_killed_ = 0;
};

// Whether the command was killed before its end. The first of each verb is not, so that it is known how long
// they take.
bool LiveKills::Disturb(const std::vector<std::string>& words, std::mt19937_64& random) {
  KillClock::duration& length = lengths_[words.front()];
  const bool kills = length.count() != 0;
  const size_t mount = random() % kMounts;
  std::vector<std::string> argv = VeneerCommand({"--store", rig_.store()});
  argv.insert(argv.end(), words.begin(), words.end());
  const auto begin = KillClock::now();
  Command command(argv);
  if (kills) {
    const auto of_command = begin + AnyTimeIn(length, random);
    const auto of_worker = begin + AnyTimeIn(length, random);
    const bool with_worker = random() % 2 == 0;
    SpinUntil(std::min(of_command, of_worker));
    if (with_worker && of_worker < of_command) KillWorker(mount);
    SpinUntil(of_command);
    command.Signal(SIGKILL);
    SpinUntil(of_worker);
    if (with_worker && of_worker >= of_command) KillWorker(mount);
  }
  const CommandResult result = command.Wait();
  INFO(result.out << result.err);
  if (kills && result.status == 128 + SIGKILL) {
    ++commands_killed_;
    return true;
  }
  REQUIRE(result.status == 0);
  length = KillClock::now() - begin;
  return false;
}

void LiveKills::KillWorker(size_t mount) {
  const auto now = KillClock::now();
  const pid_t worker = workers_.at(rig_.mount(static_cast<int>(mount)));
  if (worker <= 0 || now - killed_workers_[mount] < kLived || ::kill(worker, SIGKILL) != 0) return;
  killed_workers_[mount] = now;
  ++workers_killed_;
}

// What the program says; it must answer, whatever was killed, and know of both mounts.
json LiveKills::Status() {
  json status = rig_.Json({"status"});
  INFO(status);
  CHECK(status.at("silent").empty());
  CHECK(status.at("mounts").size() == kMounts);
  tree_ = static_cast<int>(status.at("layers").size()) - 1;
  for (const json& mount : status.at("mounts")) workers_[mount.at("dir")] = mount.at("worker_pid");
  return status;
}

bool LiveKills::IsOnRecord(const json& status) const {
  const auto& mounts = status.at("mounts");
  return std::all_of(mounts.begin(), mounts.end(), [&](const json& mount) {
    return mount.at("generation") == status.at("generation") && mount.at("worker_pid") != 0;
  });
}

void LiveKills::RequireOnRecord(const json& status) const {
  INFO(status);
  CHECK(IsOnRecord(status));
}

// A server whose client has died looks at the record by itself.
void LiveKills::Settle() {
  Until("the mounts to show what is on record", [this] { return IsOnRecord(Status()); });
}

// The store, to its last block, and no server or socket but those of the mounts.
StoreState LiveKills::RequireWhole() {
  commands_.Mend();
  std::string wrong;
  const auto state = ReadWholeStore(rig_.store(), wrong);
  INFO(wrong);
  REQUIRE(state);
  CHECK(state->current == rig_.StackOf(tree_));
  Until("the servers to be all that runs",
        [this] { return ControlFiles(rig_).size() == kMounts && ProcessesOf(rig_).size() == 3 * kMounts; });
  return *state;
}

// gc takes files of commands that were killed, and none is left then but what the servers tell.
void LiveKills::RequireNothingLeft() {
  rig_.Run({"gc", "--keep", "9"});
  auto left = LeftoversIn(rig_.store(), RequireWhole());
  left.erase("events.spool");
  CHECK(left == std::set<std::string>());
}

void LiveKills::RequireNoGrowth() {
  rig_.Run({"revert", "--all"});
  std::vector<std::vector<std::string>> now;
  // What the kernel drops reaches a server a moment later.
  Await([&] {
    ForgetCaches();
    rig_.Run({"gc"});
    now = OpenFiles(rig_);
    return now == open_;
  });
  CHECK(now == open_);
}

TEST_CASE(
    "commands and workers killed at any time: mounts show what is on record, and who uses them sees no "
    "error") {
  const Seeds rounds = RoundsOr(kRounds);
  WARN("killing with VENEER_SEEDS=" << rounds.from << "-" << rounds.to);
  LiveKills kills;
  for (uint64_t seed = rounds.from; seed <= rounds.to; ++seed) {
    kills.Round(seed);
    if ((seed - rounds.from) % kJudged == kJudged - 1 || seed == rounds.to) kills.Judge();
  }
  kills.RequireNoGrowth();
  WARN(kills.commands() << " commands killed, " << kills.switched() << " of them switched all the same, "
                        << kills.workers() << " workers killed");
  CHECK(kills.commands() >= (rounds.to - rounds.from) / 4);
}

}  // namespace
}  // namespace veneer::test
