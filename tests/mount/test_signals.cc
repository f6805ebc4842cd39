// Signals to a mount's processes; the worker's are in test_worker.cc.
#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "fs/catalog/catalog_lock.h"
#include "tests/support/process.h"
#include "tests/support/until.h"
#include "tests/tools/policy_store.h"

namespace veneer::test {
namespace {

namespace stdfs = std::filesystem;

// A store with a place to mount it.
class MountedByHand : public PolicyStore {
 public:
  MountedByHand() { stdfs::create_directories(mount()); }
  ~MountedByHand() { ::umount2(mount().c_str(), MNT_DETACH); }
  MountedByHand(const MountedByHand&) = delete;
  MountedByHand& operator=(const MountedByHand&) = delete;

  std::string mount() const { return shop / "mnt"; }
  nlohmann::json Mounts() const { return Json({"status"}).at("mounts"); }

  // The process that serves, as soon as there is one.
  pid_t WaitForSupervisor() const {
    return Until("a server", [&]() -> pid_t {
      const auto mounts = Mounts();
      if (mounts.empty()) return 0;
      return mounts.at(0).at("supervisor_pid");
    });
  }

  // An answer to status means that signals from before have been looked at.
  void RequireDeafTo(int signal, pid_t supervisor) const {
    REQUIRE(::kill(supervisor, signal) == 0);
    REQUIRE(WaitForSupervisor() == supervisor);
    CHECK(stdfs::exists(mount() + "/usr/bin/tool"));
  }
  void RequireUnmounted() const {
    CHECK(stdfs::is_empty(mount()));
    CHECK(Mounts().empty());
  }
};

// The child of `command` that has a session of its own: the server to be. 0 if the command ended before it
// was seen.
pid_t WaitForDaemon(const Command& command) {
  pid_t daemon = 0;
  Until("the server to be", [&] {
    for (const pid_t child : ChildrenOf(command.pid())) {
      if (::getsid(child) == child) daemon = child;
    }
    return daemon > 0 || command.Ended();
  });
  return daemon;
}

TEST_CASE("a mount in the foreground ends with 0 when it is told to stop, and SIGHUP is nothing to it") {
  const MountedByHand store;
  const int signal = GENERATE(SIGTERM, SIGINT);
  Command server(VeneerCommand({"--store", store.path(), "mount", "--foreground", store.mount()}));
  store.RequireDeafTo(SIGHUP, store.WaitForSupervisor());
  server.Signal(signal);
  const CommandResult ended = server.Wait();
  INFO(ended.err);
  CHECK(ended.status == 0);
  CHECK(ended.err.find(store.mount() + ": unmounted") != std::string::npos);
  store.RequireUnmounted();
}

TEST_CASE("a mount in use that is told to stop is gone at once, and its server ends with the last user") {
  const MountedByHand store;
  Command server(VeneerCommand({"--store", store.path(), "mount", "--foreground", store.mount()}));
  const pid_t supervisor = store.WaitForSupervisor();
  UniqueFd file(::open((store.mount() + "/usr/bin/tool").c_str(), O_RDONLY | O_CLOEXEC));
  REQUIRE(file);
  server.Signal(SIGTERM);
  Until("the mount to be gone", [&] { return stdfs::is_empty(store.mount()); });
  REQUIRE(::kill(supervisor, 0) == 0);
  char byte = 0;
  CHECK(::pread(file.get(), &byte, 1, 0) == 1);
  file.reset();
  CHECK(server.Wait().status == 0);
}

TEST_CASE("a mount in the background unmounts when it is told to stop, and SIGHUP is nothing to it") {
  const MountedByHand store;
  const int signal = GENERATE(SIGTERM, SIGINT);
  const bool helper = GENERATE(false, true);
  const CommandResult mounted = helper ? RunCommand({VENEER_MOUNT_HELPER, store.path(), store.mount()})
                                       : Veneer({"--store", store.path(), "mount", store.mount()});
  INFO(mounted.err);
  REQUIRE(mounted.status == 0);
  const pid_t supervisor = store.WaitForSupervisor();
  store.RequireDeafTo(SIGHUP, supervisor);
  REQUIRE(::kill(supervisor, signal) == 0);
  WaitForEnd(supervisor);
  store.RequireUnmounted();
}

TEST_CASE("a mount that is told to stop before it is there never appears") {
  const MountedByHand store;
  const std::string way = GENERATE(as<std::string>{}, "foreground", "background", "helper");
  INFO(way);
  store.Install(store.Patch("p", "lib", 1));
  store.Json({"activate", "--next-boot"});
  auto held = catalog::HoldCatalog(store.path() + "/catalog", std::chrono::seconds(0));
  REQUIRE_OK(held);
  std::vector<std::string> argv = {VENEER_MOUNT_HELPER, store.path(), store.mount()};
  if (way != "helper") argv = VeneerCommand({"--store", store.path(), "mount", store.mount()});
  if (way == "foreground") argv.emplace_back("--foreground");
  Command command(argv);
  // The child that would make the waiting generation current waits for the lock.
  Until("the child", [&] { return command.Ended() || !ChildrenOf(command.pid()).empty(); });
  command.Signal(SIGTERM);
  held->reset();
  const CommandResult result = command.Wait();
  INFO(result.out << result.err);
  CHECK(result.status == 130);
  CHECK(result.err.find("interrupted\n") != std::string::npos);
  store.RequireUnmounted();
  store.Json({"mount", store.mount()});
  CHECK(stdfs::exists(store.mount() + "/usr/lib/lib"));
}

TEST_CASE(
    "a mount in the background that is stopped while it comes up goes away again, and the command says so") {
  const MountedByHand store;
  bool caught = false;
  for (int attempt = 0; attempt < 50 && !caught; ++attempt) {
    Command command(VeneerCommand({"--store", store.path(), "mount", store.mount()}));
    const pid_t daemon = WaitForDaemon(command);
    if (daemon > 0) ::kill(daemon, SIGSTOP);
    command.Signal(SIGTERM);
    if (daemon > 0) ::kill(daemon, SIGCONT);
    const CommandResult result = command.Wait();
    INFO(result.err);
    caught = result.status == 130;
    if (!caught) {  // it was up already
      CHECK(result.status == 0);
      store.Json({"umount", store.mount()});
    }
    if (daemon > 0) WaitForEnd(daemon);
    store.RequireUnmounted();
  }
  CHECK(caught);
}

TEST_CASE("a mount in the background that hangs before it is there ends with its command, within seconds") {
  const MountedByHand store;
  const bool hangs_guardian = GENERATE(true, false);
  bool caught = false;
  for (int attempt = 0; attempt < 50 && !caught; ++attempt) {
    Command command(VeneerCommand({"--store", store.path(), "mount", store.mount()}));
    const pid_t daemon = WaitForDaemon(command);
    pid_t hanging = daemon;
    if (!hangs_guardian) {
      Until("the supervisor to be", [&] {
        const auto children = ChildrenOf(daemon);
        hanging = children.empty() ? 0 : children.front();
        return hanging != 0 || command.Ended();
      });
    }
    if (hanging > 0) ::kill(hanging, SIGSTOP);
    command.Signal(SIGTERM);
    const CommandResult result = command.Wait();
    INFO(result.err);
    caught = result.err.find("killed; interrupted") != std::string::npos;
    if (caught) {
      CHECK(result.status == 130);
    } else if (hanging > 0) {  // it was too late
      ::kill(hanging, SIGCONT);
    }
    if (result.status == 0) store.Json({"umount", store.mount()});
    if (daemon > 0) WaitForEnd(daemon);
    if (hanging > 0) WaitForEnd(hanging);
    store.RequireUnmounted();
  }
  CHECK(caught);
}

bool BlocksSigterm(pid_t process) {
  std::ifstream status("/proc/" + std::to_string(process) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("SigBlk:"))
      return (std::stoull(line.substr(7), nullptr, 16) >> (SIGTERM - 1) & 1) != 0;
  }
  return false;
}

TEST_CASE("a reload that is stopped leaves the mount with one server, the former or the next") {
  const MountedByHand store;
  store.Json({"mount", store.mount()});
  const int signal = GENERATE(SIGTERM, SIGINT, SIGHUP);
  bool stayed = false;
  bool changed = false;
  for (int attempt = 0; attempt < 30; ++attempt) {
    const pid_t former = store.WaitForSupervisor();
    Command command(VeneerCommand({"--store", store.path(), "reload"}));
    const pid_t next = WaitForDaemon(command);
    // In turn: at once, when it holds signals back already, and as late as can be.
    Until("the reload to come so far", [&] {
      if (attempt % 3 == 0 || command.Ended()) return true;
      const auto servers = ChildrenOf(next);
      return attempt % 3 == 2 ? !Runs(former) : !servers.empty() && BlocksSigterm(servers.front());
    });
    command.Signal(signal);
    const CommandResult result = command.Wait();
    INFO(result.err);
    CHECK((result.status == 130 || result.status == 0));
    const auto mounts = store.Mounts();
    REQUIRE(mounts.size() == 1);
    const pid_t server = mounts.at(0).at("supervisor_pid");
    (server == former ? stayed : changed) = true;
    store.RequireDeafTo(SIGHUP, server);
  }
  CHECK(stayed);
  CHECK(changed);
  store.Json({"umount", store.mount()});
}

TEST_CASE("a mount in the foreground outlives the one who reads its log") {
  const MountedByHand store;
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  Command server(VeneerCommand({"--store", store.path(), "mount", "--foreground", store.mount()}),
                 writer.get());
  writer.reset();
  store.WaitForSupervisor();
  REQUIRE(store.Mounts().at(0).at("guardian_pid") == server.pid());
  reader.reset();
  // Its death is something to be said.
  const pid_t worker = store.Mounts().at(0).at("worker_pid");
  REQUIRE(::kill(worker, SIGKILL) == 0);
  Until("the death to be counted",
        [&] { return store.Mounts().at(0).at("counters").at("worker_deaths") != 0; });
  CHECK(stdfs::exists(store.mount() + "/usr/bin/tool"));
  server.Signal(SIGTERM);
  CHECK(server.Wait().status == 0);
}

TEST_CASE("a mount that is told to stop below another says why it cannot") {
  const MountedByHand store;
  Command server(VeneerCommand({"--store", store.path(), "mount", "--foreground", store.mount()}));
  const pid_t supervisor = store.WaitForSupervisor();
  REQUIRE(::mount("tmpfs", store.mount().c_str(), "tmpfs", 0, nullptr) == 0);
  REQUIRE(::kill(supervisor, SIGTERM) == 0);
  REQUIRE(store.WaitForSupervisor() == supervisor);
  REQUIRE(::umount(store.mount().c_str()) == 0);
  CHECK(stdfs::exists(store.mount() + "/usr/bin/tool"));
  server.Signal(SIGTERM);
  const CommandResult ended = server.Wait();
  INFO(ended.err);
  CHECK(ended.status == 0);
  CHECK(ended.err.find("something is mounted over it") != std::string::npos);
  store.RequireUnmounted();
}

TEST_CASE("a mount that was moved is unmounted where it is now when it is told to stop") {
  const MountedByHand store;
  const std::string outer = store.shop / "outer";
  stdfs::create_directories(outer);
  REQUIRE(::mount("tmpfs", outer.c_str(), "tmpfs", 0, nullptr) == 0);
  REQUIRE(::mount(nullptr, outer.c_str(), nullptr, MS_PRIVATE, nullptr) == 0);
  stdfs::create_directories(outer + "/mnt");
  Command server(VeneerCommand({"--store", store.path(), "mount", "--foreground", outer + "/mnt"}));
  store.WaitForSupervisor();
  const std::string moved = store.shop / "moved";
  stdfs::create_directories(moved);
  REQUIRE(::mount(outer.c_str(), moved.c_str(), nullptr, MS_MOVE, nullptr) == 0);
  CHECK(stdfs::exists(moved + "/mnt/usr/bin/tool"));
  server.Signal(SIGTERM);
  CHECK(server.Wait().status == 0);
  CHECK(stdfs::is_empty(moved + "/mnt"));
  CHECK(::umount(moved.c_str()) == 0);
}

}  // namespace
}  // namespace veneer::test
