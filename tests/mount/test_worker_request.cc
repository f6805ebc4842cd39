// What a supervisor asks of its worker, where that dies of it, or does not answer.
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <vector>

#include "tests/mount/damage.h"
#include "tests/mount/kept_mount.h"
#include "tests/mount/switch_rig.h"
#include "tests/support/held_reads.h"
#include "tests/support/process.h"
#include "tests/support/skipped_time.h"
#include "tests/support/until.h"

namespace veneer::test {
namespace {

namespace stdfs = std::filesystem;

std::string InstalledLayer(const SwitchRig& rig, int tree) {
  return rig.store() + "/layers/" + rig.StackOf(tree).back() + ".layer";
}

// No command, no supervisor, and no worker that still loads.
bool IsServingWorker(pid_t process, pid_t supervisor) {
  return process != supervisor && HasOpen(process, "/dev/fuse");
}

void RequireServed(const SwitchRig& rig) {
  ForgetCaches();
  CHECK(RunCommand({"diff", "-r", "--no-dereference", rig.root() + "/t0", rig.mount(0)}).status == 0);
}

TEST_CASE("a request that kills one worker after the other is given up, and what was shown is served on") {
  const SwitchRig rig(1);
  const pid_t supervisor = rig.ServerOf(0);
  std::optional<EachRead> reads(std::in_place, InstalledLayer(rig, 1));
  Command activate(VeneerCommand({"--store", rig.store(), "activate", "p"}));
  uint64_t kills = 0;
  Until("the command to give up", [&] {
    if (const auto reader = reads->Next(); reader && IsServingWorker(reader->process(), supervisor)) {
      LetWorkerLive();
      REQUIRE(::kill(reader->process(), SIGKILL) == 0);
      ++kills;
    }
    return activate.Ended();
  });
  reads.reset();
  RequireError(activate.Wait(), 5, "activate", {rig.mount(0), "its worker keeps dying: signal 9"});
  // The first dies where it opens the layer, and each of five that have opened it where they prepare.
  CHECK(kills == 6);
  const auto status = rig.Status(0);
  INFO(status);
  CHECK(status.at("supervisor_pid") == supervisor);
  CHECK(status.at("worker_pid") != 0);
  CHECK(status.at("counters").at("worker_deaths") == kills);
  CHECK(rig.TreeOnRecord() == 0);
  RequireServed(rig);
  CHECK(rig.Status(0).at("counters").at("failures") == 0);
  rig.SwitchByProgram(1);
  CHECK(rig.Generations().at(rig.mount(0)) == 2);
}

TEST_CASE("a request for which a worker is silent is refused, and no other is tried with it") {
  const SwitchRig rig(0);
  stdfs::create_directories(rig.mount(0));
  const KeptMount mount(rig.store(), rig.mount(0));
  const pid_t supervisor = mount.supervisor();
  const pid_t worker = rig.WorkerOf(0);
  std::optional<EachRead> reads(std::in_place, InstalledLayer(rig, 1));
  std::vector<HeldReader> silent;
  Command activate(VeneerCommand({"--store", rig.store(), "activate", "p"}));
  Until("the command to give up", [&] {
    auto reader = reads->Next();
    if (reader && reader->process() != supervisor && reader->process() != activate.pid())
      silent.push_back(*std::move(reader));
    if (!silent.empty() && Runs(worker)) SkipTime(std::chrono::seconds(90));
    return activate.Ended();
  });
  CHECK(silent.size() == 1);
  silent.clear();
  reads.reset();
  RequireError(activate.Wait(), 5, "activate", {rig.mount(0), "silence, and signal 9"});
  const auto status = rig.Status(0);
  INFO(status);
  CHECK(status.at("supervisor_pid") == supervisor);
  CHECK(status.at("worker_pid") != 0);
  CHECK(status.at("counters").at("worker_deaths") == 1);
  CHECK(rig.TreeOnRecord() == 0);
  RequireServed(rig);
  CHECK(rig.Status(0).at("counters").at("failures") == 0);
  rig.SwitchByProgram(1);
  CHECK(rig.Generations().at(rig.mount(0)) == 2);
}

}  // namespace
}  // namespace veneer::test
