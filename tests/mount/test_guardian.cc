// A mount whose supervisor is killed, and its guardian.
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <map>

#include "fs/base/unique_fd.h"
#include "fs/io/file_ops.h"
#include "fs/io/process.h"
#include "tests/mount/damage.h"
#include "tests/mount/switch_stage.h"
#include "tests/mount/worker_killer.h"
#include "tests/support/held_reads.h"
#include "tests/support/process.h"
#include "tests/support/until.h"

namespace veneer::test {
namespace {

namespace stdfs = std::filesystem;

constexpr int kWay[] = {1, 2, 1, 2, 0, 2, 0, 1, 0};
constexpr int kKills = 8;

void Kill(pid_t process) {
  REQUIRE(process > 0);
  REQUIRE(::kill(process, SIGKILL) == 0);
  WaitForEnd(process);
}

// A server that is killed meanwhile shows what is on record once the next one serves.
void SwitchUnderKills(const SwitchRig& rig, int tree) {
  Until("the switch", [&] {
    const int now = rig.TreeOnRecord();
    const std::vector<std::string> words[] = {{"revert", "--all"}, {"activate", "p"}, {"activate"}};
    if (now != tree) rig.Try(tree == 1 && now == 2 ? std::vector<std::string>{"revert", "q"} : words[tree]);
    return rig.TreeOnRecord() == tree;
  });
  Until("all to follow", [&] {
    const auto status = nlohmann::json::parse(rig.Try({"--json", "status"}).out, nullptr, false);
    if (!status.contains("mounts") || status.at("mounts").size() != 2) return false;
    const auto& mounts = status.at("mounts");
    return std::all_of(mounts.begin(), mounts.end(), [&](const nlohmann::json& mount) {
      return mount.at("generation") == status.at("generation");
    });
  });
}

TEST_CASE("nobody can tell that supervisor after supervisor is killed, also in the middle of switches") {
  const SwitchRig rig(2);
  const pid_t guardian = rig.GuardianOf(0);
  SwitchStage stage(rig);
  stage.WaitForAll();
  int kills = 0;
  {
    WorkerKiller killer(rig, stage.first(), std::chrono::milliseconds(600), "supervisor_pid");
    while (killer.kills() < kKills && killer.failure() == nullptr) {
      for (const int tree : kWay) stage.SwitchTo(tree, [&](int next) { SwitchUnderKills(rig, next); });
    }
    killer.Stop();
    if (killer.failure() != nullptr) FAIL(killer.failure());
    kills = killer.kills();
  }
  stage.WaitForAll();
  stage.Judge();
  Until("a server", [&] { return !rig.TryStatus(0).is_null(); });
  const auto status = rig.Status(0);
  INFO(status);
  CHECK(status.at("guardian_pid") == guardian);
  CHECK(status.at("counters").at("failures") == 0);
  CHECK(status.at("counters").at("supervisor_restarts") >= kills);
}

std::vector<std::string> ListOn(DIR* folder, size_t most) {
  std::vector<std::string> names;
  while (names.size() < most) {
    const dirent* entry = ::readdir(folder);  // NOLINT: one thread
    if (entry == nullptr) break;
    names.emplace_back(entry->d_name);
  }
  return names;
}

TEST_CASE("inodes, held files and listings are what they were when a supervisor was killed") {
  const SwitchRig rig(1);
  rig.SwitchByProgram(1);
  const std::string path = rig.mount(0) + "/" + kLongFile;
  const std::string folder = rig.mount(0) + "/d0";
  struct stat before {};
  REQUIRE(::stat(path.c_str(), &before) == 0);
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  DIR* cut = ::opendir(folder.c_str());
  REQUIRE(cut != nullptr);
  auto listed = ListOn(cut, 3);
  Kill(rig.ServerOf(0));
  ForgetCaches();
  char byte = 0;
  CHECK(::pread(file.get(), &byte, 1, before.st_size - 1) == 1);
  struct stat after {};
  REQUIRE(::stat(path.c_str(), &after) == 0);
  CHECK(after.st_ino == before.st_ino);
  CHECK(after.st_dev == before.st_dev);
  const auto rest = ListOn(cut, 1000);
  listed.insert(listed.end(), rest.begin(), rest.end());
  ::closedir(cut);
  DIR* again = ::opendir(folder.c_str());
  REQUIRE(again != nullptr);
  CHECK(listed == ListOn(again, 1000));
  ::closedir(again);
  rig.SwitchByProgram(2);
  CHECK(rig.Generations().at(rig.mount(0)) == 3);
}

TEST_CASE("a mount whose guardian was killed is served, and reload gives it another") {
  const SwitchRig rig(1);
  const pid_t supervisor = rig.ServerOf(0);
  Kill(rig.GuardianOf(0));
  Until("the supervisor to know", [&] { return rig.GuardianOf(0) == 0; });
  CHECK(rig.ServerOf(0) == supervisor);
  rig.SwitchByProgram(1);
  rig.KillWorker();
  ForgetCaches();
  CHECK(ReadErrno(rig.mount(0) + "/" + kLongFile) == 0);
  rig.Run({"reload"});
  const pid_t next = rig.ServerOf(0);
  CHECK(rig.GuardianOf(0) != 0);
  Kill(next);
  ForgetCaches();
  CHECK(ReadErrno(rig.mount(0) + "/" + kLongFile) == 0);
  CHECK(rig.ServerOf(0) != next);
  CHECK(rig.Generations().at(rig.mount(0)) == 2);
}

TEST_CASE("a mount whose guardian and supervisor were killed is dead, and gives way to another") {
  const SwitchRig rig(1);
  const pid_t worker = rig.WorkerOf(0);
  rig.KillServer(0);
  WaitForEnd(worker);
  CHECK(ReadErrno(rig.mount(0) + "/" + kLongFile) == ENOTCONN);
  // Nor does anybody take it for one that follows, or for none.
  const auto switched = rig.SwitchByProgram(1);
  REQUIRE(switched.at("warnings").size() == 1);
  CHECK(switched.at("warnings").at(0).get<std::string>().find(rig.mount(0) + ": no server answers") == 0);
  CHECK(rig.Json({"status"}).at("unserved") == nlohmann::json::array({rig.mount(0)}));
  rig.Run({"umount", rig.mount(0)});
  rig.Run({"mount", rig.mount(0)});
  CHECK(ReadErrno(rig.mount(0) + "/" + kLongFile) == 0);
  CHECK(rig.Json({"status"}).at("unserved").empty());
}

TEST_CASE("gc keeps every layer while a mount has no server that could say what it uses") {
  const SwitchRig rig(1);
  rig.SwitchByProgram(2);
  rig.SwitchByProgram(0);
  rig.KillServer(0);
  const auto gc = rig.Json({"gc", "--keep", "0"});
  CHECK(gc.at("removed").empty());
  std::map<std::string, std::string> reasons;
  for (const auto& layer : gc.at("kept")) reasons[layer.at("id")] = layer.at("reason");
  CHECK(reasons.size() == 3);
  const auto stack = rig.StackOf(2);
  CHECK(reasons[stack[0]] == "of the current generation");
  CHECK(reasons[stack[1]].find("no server answers at " + rig.mount(0) + ",") == 0);
  CHECK(reasons[stack[2]].find("no server answers at " + rig.mount(0) + ",") == 0);
  rig.Run({"umount", rig.mount(0)});
  CHECK(rig.Json({"gc", "--keep", "0"}).at("removed").size() == 2);
}

// A mount that no supervisor can go on with for now: its trust is gone.
class Waiting {
 public:
  Waiting()
      : guardian_(rig_.GuardianOf(0)), supervisor_(rig_.ServerOf(0)), device_(rig_.Status(0).at("device")) {
    stdfs::rename(trust(), trust() + ".gone");
    Kill(supervisor_);
  }

  const SwitchRig& rig() const { return rig_; }
  pid_t guardian() const { return guardian_; }
  dev_t device() const { return device_; }
  void RestoreTrust() const { stdfs::rename(trust() + ".gone", trust()); }

 private:
  std::string trust() const { return rig_.store() + "/trust/base.d"; }

  SwitchRig rig_{1};
  pid_t guardian_;
  pid_t supervisor_;
  dev_t device_;
};

TEST_CASE("a guardian tries until a supervisor can go on with the mount") {
  const Waiting waiting;
  Command reader({"cat", waiting.rig().mount(0) + "/" + kLongFile});
  waiting.RestoreTrust();
  CHECK(reader.Wait().status == 0);
  const auto status = waiting.rig().Status(0);
  CHECK(status.at("guardian_pid") == waiting.guardian());
  CHECK(status.at("counters").at("supervisor_restarts") == 1);
}

TEST_CASE("SIGHUP is nothing to a supervisor that is about to go on") {
  const SwitchRig rig(1);
  const pid_t guardian = rig.GuardianOf(0);
  for (int kills = 0; kills < 5; ++kills) {
    Kill(rig.ServerOf(0));
    Until("another supervisor", [&] {
      ::kill(guardian, SIGHUP);
      return !rig.TryStatus(0).is_null();
    });
    CHECK(ReadErrno(rig.mount(0) + "/" + kLongFile) == 0);
  }
}

dev_t DeviceOf(const std::string& path) {
  struct stat st {};
  REQUIRE(::stat(path.c_str(), &st) == 0);
  return st.st_dev;
}

TEST_CASE("a guardian whose mount has gone leaves alone what is there in its place") {
  const Waiting waiting;
  const std::string mount = waiting.rig().mount(0);
  // It waits to try again, and does not see the mount go.
  Until("a time without any supervisor", [&] {
    REQUIRE(::kill(waiting.guardian(), SIGSTOP) == 0);
    if (ChildrenOf(waiting.guardian()).empty()) return true;
    REQUIRE(::kill(waiting.guardian(), SIGCONT) == 0);
    return false;
  });
  const dev_t former = waiting.device();
  REQUIRE(::umount2(mount.c_str(), 0) == 0);
  // Until one has the number of the mount that has gone: the least that is free is given.
  int mounts = 0;
  Until("the number to be given again", [&] {
    REQUIRE(::mount("none", mount.c_str(), "tmpfs", 0, nullptr) == 0);
    ++mounts;
    return DeviceOf(mount) == former;
  });
  REQUIRE(::kill(waiting.guardian(), SIGTERM) == 0);
  REQUIRE(::kill(waiting.guardian(), SIGCONT) == 0);
  WaitForEnd(waiting.guardian());
  CHECK(DeviceOf(mount) == former);
  for (int i = 0; i < mounts; ++i) CHECK(::umount2(mount.c_str(), 0) == 0);
}

TEST_CASE("what the command ignored is nothing to its server") {
  const SwitchRig rig(0);
  stdfs::create_directories(rig.mount(0));
  Command server({"sh", "-c", "trap '' INT; exec \"$@\"", "sh", VENEER_PROGRAM, "--store", rig.store(),
                  "mount", "--foreground", rig.mount(0)});
  Until("the server", [&] { return !rig.TryStatus(0).is_null(); });
  for (const pid_t process : {rig.GuardianOf(0), rig.ServerOf(0)}) REQUIRE(::kill(process, SIGINT) == 0);
  CHECK(!rig.TryStatus(0).is_null());  // a supervisor looks at signals first
  CHECK(ReadErrno(rig.mount(0) + "/" + kLongFile) == 0);
  server.Signal(SIGTERM);
  CHECK(server.Wait().status == 0);
  CHECK(stdfs::is_empty(rig.mount(0)));
}

TEST_CASE("a guardian that cannot take the mount away has it served again") {
  const Waiting waiting;
  const std::string mount = waiting.rig().mount(0);
  REQUIRE(::mount("none", mount.c_str(), "tmpfs", 0, nullptr) == 0);
  REQUIRE(::kill(waiting.guardian(), SIGTERM) == 0);
  waiting.RestoreTrust();
  Until("another supervisor", [&] { return !waiting.rig().TryStatus(0).is_null(); });
  CHECK(waiting.rig().GuardianOf(0) == waiting.guardian());
  REQUIRE(::umount2(mount.c_str(), 0) == 0);
  CHECK(ReadErrno(mount + "/" + kLongFile) == 0);
}

// The supervisor has died, and its guardian does not know it yet.
TEST_CASE(
    "a stop that finds nobody who could hear it reaches the next supervisor, which serves on who is there") {
  const SwitchRig rig(1);
  const pid_t guardian = rig.GuardianOf(0);
  const std::string path = rig.mount(0) + "/" + kLongFile;
  const auto content = io::ReadWholeFile(rig.root() + "/t0/" + kLongFile, 1 << 20);
  REQUIRE_OK(content);
  UniqueFd user(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  REQUIRE(user);
  REQUIRE(::kill(guardian, SIGSTOP) == 0);
  Kill(rig.ServerOf(0));
  REQUIRE(::kill(guardian, SIGTERM) == 0);
  REQUIRE(::kill(guardian, SIGCONT) == 0);
  Until("the unmounting", [&] { return stdfs::is_empty(rig.mount(0)); });
  ForgetCaches();
  Bytes read(content->size());
  CHECK(::pread(user.get(), read.data(), read.size(), 0) == static_cast<ssize_t>(read.size()));
  CHECK(read == *content);
  user.reset();
  WaitForEnd(guardian);
}

TEST_CASE("a guardian that is told to stop while nobody serves takes the mount away") {
  const Waiting waiting;
  REQUIRE(::kill(waiting.guardian(), SIGTERM) == 0);
  WaitForEnd(waiting.guardian());
  CHECK(stdfs::is_empty(waiting.rig().mount(0)));
}

TEST_CASE("a guardian that is told to stop ends a supervisor that hangs before it goes on with the mount") {
  const bool before = GENERATE(true, false);  // whether the stop comes before that supervisor does
  const SwitchRig rig(1);
  const pid_t guardian = rig.GuardianOf(0);
  const pid_t supervisor = rig.ServerOf(0);
  HeldReads disk(rig.store() + "/trust/base.d");
  if (before) {
    REQUIRE(::kill(guardian, SIGSTOP) == 0);
    Kill(supervisor);
    REQUIRE(::kill(guardian, SIGTERM) == 0);
    REQUIRE(::kill(guardian, SIGCONT) == 0);
    disk.WaitForOne();
  } else {
    Kill(supervisor);
    disk.WaitForOne();
    REQUIRE(::kill(guardian, SIGTERM) == 0);
  }
  const std::vector<pid_t> hanging = ChildrenOf(guardian);
  REQUIRE(hanging.size() == 1);
  const UniqueFd end = io::OpenProcess(guardian);
  REQUIRE(end);
  UntilReadable("the end of the guardian", end.get());  // it waits for some seconds
  CHECK(stdfs::is_empty(rig.mount(0)));
  WaitForEnd(hanging.front());
}

}  // namespace
}  // namespace veneer::test
