// A mount whose server does not answer, or has died.
#include <signal.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <sstream>

#include "tests/mount/damage.h"
#include "tests/mount/switch_rig.h"
#include "tests/support/control_thread.h"
#include "tests/support/process.h"
#include "tests/support/until.h"

namespace veneer::test {
namespace {

// A process, stopped for as long as this lives.
class Stopped {
 public:
  explicit Stopped(pid_t process) : process_(process) { Stop(process_); }
  ~Stopped() { ::kill(process_, SIGCONT); }
  Stopped(const Stopped&) = delete;
  Stopped& operator=(const Stopped&) = delete;

 private:
  pid_t process_;
};

// The server of mount(0), stopped likewise.
class Silence {
 public:
  explicit Silence(const SwitchRig& rig) : server_(rig.ServerOf(0)), stopped_(server_) {}

  // How it is named.
  std::string name() const { return "process " + std::to_string(server_) + ", the server of a mount"; }

 private:
  pid_t server_;
  Stopped stopped_;
};

Command Start(const SwitchRig& rig, std::vector<std::string> words) {
  words.insert(words.begin(), {"--store", rig.store()});
  return Command(VeneerCommand(words));
}

std::string ReadFile(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

TEST_CASE("a server that does not answer hides no other mount from who looks") {
  const SwitchRig rig(2);
  const std::string file = rig.root() + "/veneer.prom";
  const Silence silence(rig);
  Command words = Start(rig, {"status"});  // they wait side by side
  Command metrics = Start(rig, {"metrics", "-o", file});
  const auto status = rig.Json({"status"}, 1);
  REQUIRE(status.at("mounts").size() == 1);
  CHECK(status.at("mounts").at(0).at("dir") == rig.mount(1));
  CHECK(status.at("silent") == nlohmann::json::array({silence.name() + ": does not answer"}));
  CHECK_FALSE(status.at("effective_root") == "");

  const CommandResult said = words.Wait();
  RequireErrorLine(said, 1, "status", {silence.name(), "does not answer"});
  CHECK(said.out.find("mounted at " + rig.mount(1)) != std::string::npos);
  CHECK(said.out.find("NOT KNOWN  " + silence.name()) != std::string::npos);
  CHECK(said.out.find("effective root") != std::string::npos);

  RequireError(metrics.Wait(), 1, "metrics", {silence.name(), "does not answer"});
  const std::string numbers = ReadFile(file);
  CHECK(numbers.find("veneer_store_silent_servers{store=\"" + rig.store() + "\"} 1\n") != std::string::npos);
  CHECK(numbers.find("mount=\"" + rig.mount(1) + "\"") != std::string::npos);
  CHECK(numbers.find("mount=\"" + rig.mount(0) + "\"") == std::string::npos);
}

TEST_CASE("a command that waits for a server that does not answer ends when it is told to") {
  const SwitchRig rig(2);
  const int signal = GENERATE(SIGINT, SIGTERM);
  {
    const Silence silence(rig);
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{"status"}, {"metrics"}, {"activate", "p"}, {"reload"}}) {
      Command command = Start(rig, words);
      WaitForOpen(command, "socket:");  // from then on it talks to servers
      command.Signal(signal);
      RequireError(command.Wait(), 130, words.front(), {"interrupted"});
    }
  }
  for (const auto& [dir, generation] : rig.Generations()) CHECK(generation == 1);
  CHECK(rig.TreeOnRecord() == 0);
  rig.SwitchByProgram(1);
}

// A server that says which mount it has, and is silent when it is asked to hand that over.
class SilentFormer {
 public:
  explicit SilentFormer(const SwitchRig& rig)
      : thread_(SocketFor(rig), [this, dir = rig.mount(0)](const json& request) -> Result<json> {
          if (request.at("request") == "status") return json{{"dir", dir}, {"generation", 1}};
          asked_ = true;
          ended_.get_future().wait();
          return Fail(ErrorCode::kBusy, "asked in vain");
        }) {}
  ~SilentFormer() { ended_.set_value(); }
  SilentFormer(const SilentFormer&) = delete;
  SilentFormer& operator=(const SilentFormer&) = delete;

  bool asked() const { return asked_; }

 private:
  using json = nlohmann::json;
  static std::string SocketFor(const SwitchRig& rig) {
    const auto store = catalog::Store::Open(rig.store());
    REQUIRE_OK(store);
    const std::string folder = fuse::ControlFolder(store->identity());
    std::filesystem::create_directories(folder);
    return folder + "/1.sock";
  }

  std::atomic<bool> asked_{false};
  std::promise<void> ended_;
  ControlThread thread_;  // last: uses the others
};

TEST_CASE("a reload that waits for a silent server ends when it is told to, also where nohup runs it") {
  const SwitchRig rig(0);
  const SilentFormer former(rig);
  const bool nohup = GENERATE(false, true);
  const std::string before = nohup ? "trap '' HUP; " : "";
  Command reload(
      {"sh", "-c", before + "exec \"$@\"", "sh", VENEER_PROGRAM, "--store", rig.store(), "reload"});
  Until("the former server to be asked", [&] { return former.asked() || reload.Ended(); });
  reload.Signal(SIGTERM);
  Until("the reload to end", [&] { return reload.Ended(); });
  RequireError(reload.Wait(), 130, "reload", {rig.mount(0) + ": interrupted"});
}

TEST_CASE("who has to know of every mount is told which server does not answer") {
  const SwitchRig rig(2);
  const auto store = catalog::Store::Open(rig.store());
  REQUIRE_OK(store);
  const Silence silence(rig);
  const auto found = fuse::FindMounts(store->identity(), std::chrono::milliseconds(100));
  REQUIRE_OK(found);
  REQUIRE(found->live.size() == 1);
  CHECK(found->live.front().dir() == rig.mount(1));
  const Status all = found->AllAnswer();
  REQUIRE_FALSE(all);
  CHECK(all.error().message() == silence.name() + ": does not answer");
}

TEST_CASE("more who talk to a server than it may have descriptors cost it no worker") {
  const SwitchRig rig(0);
  std::filesystem::create_directories(rig.mount(0));
  Command server({"prlimit", "--nofile=64", VENEER_PROGRAM, "--store", rig.store(), "mount", "--foreground",
                  rig.mount(0)});
  Until("a mount", [&] { return !rig.Json({"status"}).at("mounts").empty(); });
  const pid_t worker = rig.WorkerOf(0);
  const auto store = catalog::Store::Open(rig.store());
  REQUIRE_OK(store);
  const std::string socket =
      fmt::format("{}/{}.sock", fuse::ControlFolder(store->identity()), rig.ServerOf(0));
  std::vector<fuse::ControlChannel> clients;
  for (int i = 0; i < 65; ++i) {
    auto client = fuse::ControlChannel::Connect(socket);
    REQUIRE_OK(client);
    clients.push_back(std::move(*client));
  }
  REQUIRE_OK(clients.front().Ask({{"request", "status"}}));  // by then it has met as many as it does
  REQUIRE(::kill(worker, SIGKILL) == 0);
  CHECK(std::filesystem::exists(rig.mount(0) + "/d0"));
  CHECK(ReadErrno(rig.mount(0) + "/" + kLongFile) == 0);
  const auto status = clients.front().Ask({{"request", "status"}});
  REQUIRE_OK(status);
  CHECK(status->at("worker_pid") != 0);
  clients.clear();
  CHECK(rig.Status(0).at("counters").at("worker_deaths") == 1);
  server.Signal(SIGTERM);
  CHECK(server.Wait().status == 0);
}

TEST_CASE("where a dead mount is, mount names what takes it away") {
  const SwitchRig rig(1);
  const bool known = GENERATE(true, false);  // whether the kernel has the root's attributes
  if (known) CHECK(std::filesystem::exists(rig.mount(0) + "/d0"));
  const pid_t worker = rig.WorkerOf(0);
  rig.KillServer(0);
  WaitForEnd(worker);
  RequireError(
      rig.Try({"mount", rig.mount(0)}), 5, "mount",
      {rig.mount(0) + ": a fuse.veneer is mounted there already", " umount " + rig.mount(0), "run: veneer "});
  rig.Run({"umount", rig.mount(0) + "/../mnt0/"});
  rig.Run({"mount", rig.mount(0)});
  CHECK(std::filesystem::exists(rig.mount(0) + "/d0"));
}

// A worker that was stopped: it does nothing, and does not die.
TEST_CASE("a supervisor that is told to stop does so, whatever its worker does") {
  const SwitchRig rig(1);
  const pid_t server = rig.ServerOf(0);
  SECTION("while nothing is asked of it") {
    const Stopped worker(rig.WorkerOf(0));
    ::kill(server, SIGTERM);
    WaitForEnd(server);
  }
  SECTION("while it is asked for a switch") {
    const Stopped worker(rig.WorkerOf(0));
    Command switching = Start(rig, {"activate"});
    WaitForOpen(switching, "socket:");
    ::kill(server, SIGTERM);
    WaitForEnd(server);
    switching.Wait();
  }
  CHECK(std::filesystem::is_empty(rig.mount(0)));
  CHECK(rig.Json({"status"}).at("mounts").empty());
}

}  // namespace
}  // namespace veneer::test
