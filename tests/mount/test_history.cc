// What happens in a mount, in the history and in the log.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <filesystem>
#include <fstream>

#include "tests/mount/damage.h"
#include "tests/mount/switch_rig.h"
#include "tests/support/until.h"
#include "tests/support/watchdog.h"

namespace veneer::test {
namespace {

using nlohmann::json;

// The events of a kind, newest first.
std::vector<json> Events(const SwitchRig& rig, const std::string& kind) {
  std::vector<json> found;
  const json history = rig.Json({"history", "--limit", "0"});
  for (const json& event : history.at("events")) {
    if (event.at("kind") == kind) found.push_back(event);
  }
  return found;
}

// The one event of its kind; waits until it is there.
json Event(const SwitchRig& rig, const std::string& kind) {
  std::vector<json> events;
  Until("an event, " + kind, [&] {
    events = Events(rig, kind);
    return !events.empty();
  });
  CHECK(events.size() == 1);
  return events.front();
}

void WaitForMount(const SwitchRig& rig) {
  Until("a mount", [&] { return !rig.Json({"status"}).at("mounts").empty(); });
}

void WaitForLostEvent(const SwitchRig& rig) {
  Until("an event to be lost", [&] { return rig.Status(0).at("counters").at("events_lost") != 0; });
}

bool Holds(const json& event, const std::string& part) {
  return event.at("text").get<std::string>().find(part) != std::string::npos;
}

TEST_CASE("damage that a read meets is in the history, also when the whole server is killed then") {
  const SwitchRig rig(1);
  DamageLongFile(rig);
  CHECK(ReadErrno(rig.mount(0) + "/" + kLongFile) == EIO);
  const json waiting = Event(rig, "corruption");
  rig.KillServer(0);
  CHECK(waiting.at("number") == 0);
  CHECK(waiting.at("generation") == 1);
  CHECK(Holds(waiting, rig.mount(0) + ": /" + kLongFile));
  CHECK(Holds(waiting, "does not match its signed hash"));
  rig.SwitchByProgram(1);  // takes it in
  const json recorded = Event(rig, "corruption");
  CHECK(recorded.at("number") > 0);
  CHECK(recorded.at("text") == waiting.at("text"));
  CHECK(recorded.at("time") == waiting.at("time"));
}

TEST_CASE("damage in whose place a kept copy is served is in the history, and counts") {
  const SwitchRig rig(1);
  const pid_t worker = rig.WorkerOf(0);
  std::fstream layer(rig.store() + "/layers/" + rig.StackOf(0).front() + ".layer",
                     std::ios::binary | std::ios::in | std::ios::out);
  layer.seekp(1024);  // the image's superblock
  REQUIRE(layer.put('T').flush().good());
  ForgetCaches();
  REQUIRE(::kill(worker, SIGKILL) == 0);  // the next one has to read it
  CHECK(ReadErrno(rig.mount(0) + "/" + kLongFile) == 0);
  const json event = Event(rig, "corruption");
  CHECK(Holds(event, rig.mount(0) + ": metadata of "));
  CHECK(Holds(event, ": block 0 does not match its signed hash"));
  const json status = rig.Json({"status"}, 3);  // the layer is damaged
  CHECK(status.at("mounts").at(0).at("counters").at("failures_by_kind").at("corrupt") == 1);
}

TEST_CASE("the life of a mount is in the history") {
  const SwitchRig rig(1);
  CHECK(Holds(Event(rig, "mount"), rig.mount(0)));
  rig.SwitchByProgram(1);
  const json switched = Event(rig, "switch");
  CHECK(switched.at("generation") == 2);
  CHECK(Holds(switched, "generation 2"));
  const pid_t worker = rig.WorkerOf(0);
  rig.KillWorker();
  CHECK(Holds(Event(rig, "worker-died"), fmt::format("process {}, died of signal 9", worker)));
  rig.Run({"reload"});
  Event(rig, "take-over");
  rig.Run({"umount", rig.mount(0)});
  Event(rig, "unmount");
  CHECK(Events(rig, "mount").size() == 1);
  CHECK(Events(rig, "activate").size() == 2);
}

TEST_CASE("that no worker can be had is in the history, and that one serves again") {
  const SwitchRig rig(1);
  Until("no worker to be had", [&] {
    const pid_t worker = rig.WorkerOf(0);
    if (worker != 0) ::kill(worker, SIGKILL);
    return !Events(rig, "worker-throttled").empty();
  });
  CHECK(Holds(Event(rig, "worker-throttled"), "requests get EIO"));
  CHECK(Events(rig, "worker-died").size() >= 5);
  rig.SwitchByProgram(1);
  Event(rig, "worker-back");
}

TEST_CASE("a spool that is full loses events, counts them and stops nothing") {
  const SwitchRig rig(1);
  std::ofstream(rig.store() + "/events.spool", std::ios::app) << std::string(256 << 10, '\n');
  rig.KillWorker();
  WaitForLostEvent(rig);
  CHECK(ReadErrno(rig.mount(0) + "/" + kLongFile) == 0);
  CHECK(Events(rig, "worker-died").empty());
  CHECK(Holds(Event(rig, "events-lost"), "is full"));
  rig.SwitchByProgram(1);
  CHECK(Event(rig, "events-lost").at("number") > 0);
  rig.KillWorker();
  CHECK(Event(rig, "worker-died").at("generation") == 2);
}

TEST_CASE("what is no spool holds up neither mount nor command, and what it cost is in the history") {
  const Watchdog watchdog(100);
  const SwitchRig rig(1);
  const std::string spool = rig.store() + "/events.spool";
  const std::string victim = rig.store() + "/../victim";
  std::ofstream(victim) << "as it was";
  std::filesystem::remove(spool);
  const bool fifo = GENERATE(true, false);
  if (fifo) REQUIRE(::mkfifo(spool.c_str(), 0644) == 0);
  if (!fifo) REQUIRE(::symlink(victim.c_str(), spool.c_str()) == 0);
  rig.KillWorker();
  WaitForLostEvent(rig);
  CHECK(ReadErrno(rig.mount(0) + "/" + kLongFile) == 0);
  const CommandResult history = RunCommand({VENEER_PROGRAM, "--store", rig.store(), "history"});
  CHECK(history.status == 0);
  CHECK(history.err.find("veneer: history: passed over: ") == 0);
  CHECK(history.err.find('\n') == history.err.size() - 1);
  rig.SwitchByProgram(1);
  CHECK(Holds(Event(rig, "events-lost"), "set aside as "));
  CHECK(Events(rig, "worker-died").empty());
  CHECK(std::filesystem::file_size(victim) == 9);
  rig.KillWorker();
  Event(rig, "worker-died");
}

TEST_CASE("in the foreground a line with its fields goes to standard error") {
  const SwitchRig rig(0);
  std::filesystem::create_directories(rig.mount(0));
  Command server({VENEER_PROGRAM, "--store", rig.store(), "mount", "--foreground", rig.mount(0)});
  WaitForMount(rig);
  const pid_t worker = rig.WorkerOf(0);
  rig.KillWorker();
  Event(rig, "worker-died");
  server.Signal(SIGTERM);
  const CommandResult ended = server.Wait();
  CHECK(ended.status == 0);
  const std::string line = fmt::format(
      "veneer: mount: {0}: the worker, process {1}, died of signal 9 (Killed); another takes its place "
      "event=worker-died mount={0} store={2} generation=1 worker={1} cause=\"signal 9 (Killed)\"\n",
      rig.mount(0), worker, rig.store());
  INFO(ended.err);
  CHECK(ended.err.find(line) != std::string::npos);
}

// A pipe that is full, and in which whoever writes waits.
struct FullPipe {
  FullPipe() {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
    reader.reset(ends[0]);
    writer.reset(ends[1]);
    const std::string page(PIPE_BUF, 'x');
    while (::write(writer.get(), page.data(), page.size()) > 0) continue;
    REQUIRE(::fcntl(writer.get(), F_SETFL, 0) == 0);
  }
  std::string Read() const {
    std::string text(PIPE_BUF, 0);
    text.resize(static_cast<size_t>(std::max<ssize_t>(0, ::read(reader.get(), text.data(), text.size()))));
    return text;
  }
  UniqueFd reader, writer;
};

TEST_CASE("nobody who does not read standard error holds the mount up") {
  const SwitchRig rig(0);
  std::filesystem::create_directories(rig.mount(0));
  const FullPipe pipe;
  Command server({VENEER_PROGRAM, "--store", rig.store(), "mount", "--foreground", rig.mount(0)},
                 pipe.writer.get());
  WaitForMount(rig);
  rig.KillWorker();
  CHECK(ReadErrno(rig.mount(0) + "/" + kLongFile) == 0);
  server.Signal(SIGTERM);
  CHECK(server.Wait().status == 0);
}

TEST_CASE("a line that is longer than what is left in standard error holds nothing up, and is cut") {
  const Watchdog watchdog(100);
  const SwitchRig rig(0);
  std::string dir = rig.mount(0);  // in each line twice
  while (dir.size() < 2200) dir += "/" + std::string(200, 'd');
  std::filesystem::create_directories(dir);
  const FullPipe pipe;
  REQUIRE(pipe.Read().size() == PIPE_BUF);
  Command server({VENEER_PROGRAM, "--store", rig.store(), "mount", "--foreground", dir}, pipe.writer.get());
  WaitForMount(rig);
  CHECK(ReadErrno(dir + "/" + kLongFile) == 0);
  server.Signal(SIGTERM);
  CHECK(server.Wait().status == 0);
  std::string line = pipe.Read();
  while (line.starts_with("x")) line = pipe.Read();
  CHECK(line.starts_with("veneer: mount: /"));
  CHECK(line.find("[...] event=mount mount=/") != std::string::npos);
  CHECK(line.ends_with("\n"));
}

}  // namespace
}  // namespace veneer::test
