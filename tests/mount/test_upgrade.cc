// Another version of the program is put under a mount that is in use, and files of the program replaced under
// the processes that run it.
#include <filesystem>

#include "tests/mount/switch_stage.h"
#include "tests/mount/used_mount.h"

namespace veneer::test {
namespace {

namespace stdfs = std::filesystem;

constexpr int kUpgrades = 2;

const char* const kBoth[] = {VENEER_NEXT_PROGRAM, VENEER_PROGRAM};

// Runs a program on the store: it must succeed.
void RunAs(const std::string& program, const SwitchRig& rig, std::vector<std::string> words) {
  words.insert(words.begin(), {"--store", rig.store()});
  const CommandResult result = RunCommand(CommandOf(program, words));
  INFO(program << ": " << result.out << result.err);
  REQUIRE(result.status == 0);
}

std::string VersionOf(const std::string& program) {
  return RunCommand(CommandOf(program, {"--version"})).out;
}

// The file of the program that a process runs, as the kernel has it.
std::string ProgramOf(pid_t process) {
  return stdfs::read_symlink("/proc/" + std::to_string(process) + "/exe");
}

// That all of a mount's processes run the program of the file `path`.
void RequireServedBy(const SwitchRig& rig, const std::string& path, int mount = 0) {
  CHECK(ProgramOf(rig.ServerOf(mount)) == path);
  CHECK(ProgramOf(rig.WorkerOf(mount)) == path);
}

TEST_CASE("a newer program is put under a mount, and the older one again, and who uses it sees none of it") {
  REQUIRE(VersionOf(VENEER_NEXT_PROGRAM) != VersionOf(VENEER_PROGRAM));
  UsedMount mount;
  const SwitchRig& rig = mount.rig();
  RequireServedBy(rig, VENEER_PROGRAM);
  for (int i = 0; i < kUpgrades; ++i) {
    for (const char* program : kBoth) {
      INFO(program << ", upgrade " << i);
      RunAs(program, rig, {"reload"});
      RequireServedBy(rig, program);
      mount.Check();
      rig.KillWorker();
      RequireServedBy(rig, program);
      mount.Check();
    }
  }
  mount.Judge();
}

TEST_CASE("mounts switch between upgrades and downgrades, whichever version's command asks for it") {
  const SwitchRig rig(2);
  SwitchStage stage(rig);
  stage.WaitForAll();
  for (int i = 0; i < kUpgrades; ++i) {
    for (const char* server : kBoth) {
      // One mount after the other: in between, each has another version.
      for (const int mount : {0, 1}) {
        RunAs(server, rig, {"reload", rig.mount(mount)});
        RequireServedBy(rig, server, mount);
        const char* client = kBoth[(i + mount) % 2];
        INFO(server << " serves, " << client << " asks, mount " << mount << ", upgrade " << i);
        stage.SwitchTo(2, [&](int) { RunAs(client, rig, {"activate"}); });
        CHECK(rig.Generations().at(rig.mount(mount)) == rig.Json({"status"}).at("generation"));
        stage.SwitchTo(0, [&](int) { RunAs(client, rig, {"revert", "--all"}); });
        stage.WaitForAll();
      }
    }
  }
  stage.Judge();
}

// As a package manager does it: whoever runs the file that was there keeps it.
void PutInPlace(const std::string& path, const std::string& program) {
  stdfs::copy_file(program, path + ".new");
  stdfs::rename(path + ".new", path);
}

TEST_CASE("a program whose file was replaced under it serves on, worker after worker, until a reload") {
  UsedMount mount;
  const SwitchRig& rig = mount.rig();
  const std::string installed = rig.root() + "/installed";
  for (int i = 0; i < kUpgrades; ++i) {
    INFO("upgrade " << i);
    PutInPlace(installed, kBoth[(i + 1) % 2]);
    RunAs(installed, rig, {"reload"});
    RequireServedBy(rig, installed);

    PutInPlace(installed, kBoth[i % 2]);
    RequireServedBy(rig, installed + " (deleted)");
    mount.Check();
    rig.KillWorker();
    RequireServedBy(rig, installed + " (deleted)");
    mount.Check();
    // What is installed now can talk to it, and takes its place.
    RunAs(installed, rig, {"status"});
    RunAs(installed, rig, {"gc"});
    RunAs(installed, rig, {"reload"});
    RequireServedBy(rig, installed);
    mount.Check();
    rig.KillWorker();
    RequireServedBy(rig, installed);
    mount.Check();
  }
  mount.Judge();
}

TEST_CASE("a program whose file is gone serves on, switches, and can be replaced") {
  const SwitchRig rig(2);
  const std::string installed = rig.root() + "/installed";
  PutInPlace(installed, VENEER_NEXT_PROGRAM);
  RunAs(installed, rig, {"reload"});
  REQUIRE(stdfs::remove(installed));
  SwitchStage stage(rig);
  stage.WaitForAll();
  for (const int tree : {1, 2, 0}) {
    rig.KillWorker();
    stage.SwitchTo(tree, [&](int wanted) { rig.SwitchByProgram(wanted); });
    stage.WaitForAll();
  }
  for (const int mount : {0, 1}) RequireServedBy(rig, installed + " (deleted)", mount);
  rig.Run({"reload"});
  for (const int mount : {0, 1}) RequireServedBy(rig, VENEER_PROGRAM, mount);
  stage.WaitForAll();
  stage.Judge();
}

}  // namespace
}  // namespace veneer::test
