// `veneer metrics`, and the counters in `veneer status`: the same, and kept through all that befalls a mount.
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>

#include "tests/mount/damage.h"
#include "tests/mount/switch_rig.h"
#include "tests/support/exposition.h"

namespace veneer::test {
namespace {

using nlohmann::json;
using Families = std::map<std::string, MetricFamily>;

Families Metrics(const SwitchRig& rig) {
  const CommandResult result = rig.Try({"metrics"});
  REQUIRE(result.status == 0);
  CHECK(result.err == "");
  return ParseExposition(result.out);
}

double Value(const SwitchRig& rig, const Families& families, const std::string& name, int mount,
             std::map<std::string, std::string> labels = {}) {
  labels["mount"] = rig.mount(mount);
  labels["store"] = rig.store();
  return ValueOf(families, name, labels);
}

json Counters(const SwitchRig& rig) {
  return rig.Status(0).at("counters");
}

TEST_CASE("metrics are well formed and say what happened on each mount") {
  const SwitchRig rig(2);
  CHECK(ReadErrno(rig.mount(0) + "/" + kLongFile) == 0);
  rig.SwitchByProgram(1);
  DamageLongFile(rig);
  CHECK(ReadErrno(rig.mount(0) + "/" + kLongFile) == EIO);
  const Families families = Metrics(rig);
  const json counters = Counters(rig);

  CHECK(ValueOf(families, "veneer_store_generation") == 2);
  CHECK(Value(rig, families, "veneer_mount_generation", 0) == 2);
  CHECK(Value(rig, families, "veneer_mount_serving", 1) == 1);
  CHECK(Value(rig, families, "veneer_mount_pinned", 1) == 0);
  CHECK(Value(rig, families, "veneer_switches_total", 0) == 1);
  CHECK(Value(rig, families, "veneer_switch_pause_seconds_count", 1) == 1);
  CHECK(Value(rig, families, "veneer_switch_pause_seconds_sum", 0) > 0);
  CHECK(Value(rig, families, "veneer_switch_longest_pause_seconds", 0) > 0);
  CHECK(Value(rig, families, "veneer_requests_total", 0, {{"request", "read"}}) == counters.at("reads"));
  CHECK(Value(rig, families, "veneer_read_bytes_total", 0) == counters.at("bytes"));
  CHECK(counters.at("bytes") > 4096);
  CHECK(Value(rig, families, "veneer_blocks_verified_total", 0) == counters.at("blocks_verified"));
  CHECK(Value(rig, families, "veneer_blocks_damaged_total", 0) >= 1);
  CHECK(Value(rig, families, "veneer_failures_total", 0, {{"kind", "corrupt"}}) >= 1);
  CHECK(Value(rig, families, "veneer_failures_total", 0, {{"kind", "no-worker"}}) == 0);
  CHECK(Value(rig, families, "veneer_failures_total", 1, {{"kind", "corrupt"}}) == 0);
  CHECK(Value(rig, families, "veneer_cache_hits_total", 0) > 0);
  CHECK(Value(rig, families, "veneer_cache_misses_total", 0) > 0);
  CHECK(Value(rig, families, "veneer_cache_bytes", 0) > 0);
  CHECK(Value(rig, families, "veneer_layer_blocks_damaged_total", 0, {{"layer", rig.StackOf(0).front()}}) >=
        1);
  CHECK(Value(rig, families, "veneer_layer_blocks_damaged_total", 0, {{"component", "p"}}) == 0);
}

TEST_CASE("promtool accepts the metrics, where there is one") {
  const SwitchRig rig(1);
  const std::string file = rig.root() + "/veneer.prom";
  rig.Run({"metrics", "-o", file});
  const CommandResult checked = RunCommand(
      {"sh", "-c", "command -v promtool >/dev/null || exit 77; promtool check metrics <\"$0\"", file});
  if (checked.status == 77) {
    WARN("skipped: there is no promtool");
    return;
  }
  INFO(checked.out << checked.err);
  CHECK(checked.status == 0);
  CHECK(checked.err == "");
}

TEST_CASE("metrics come into a file all at once, readable for everybody") {
  const SwitchRig rig(1);
  const std::string folder = rig.root() + "/textfile";
  const std::string file = folder + "/veneer.prom";
  std::filesystem::create_directories(folder);
  rig.Run({"metrics", "--output", file});
  struct stat before {};
  REQUIRE(::stat(file.c_str(), &before) == 0);
  CHECK((before.st_mode & 0777) == 0644);
  rig.Run({"metrics", "--output", file});
  struct stat after {};
  REQUIRE(::stat(file.c_str(), &after) == 0);
  CHECK(after.st_ino != before.st_ino);  // another file in its place, never this one half written
  CHECK(std::distance(std::filesystem::directory_iterator(folder), {}) == 1);
  RequireError(rig.Try({"metrics", "-o", folder + "/none/veneer.prom"}), 1, "metrics", {"none"});
  RequireError(rig.Try({"metrics", "-o", folder}), 1, "metrics", {folder});
}

TEST_CASE("counters go on with another worker and another program") {
  const SwitchRig rig(1);
  CHECK(ReadErrno(rig.mount(0) + "/" + kLongFile) == 0);
  rig.SwitchByProgram(1);
  json before = Counters(rig);
  CHECK(before.at("worker_restarts") == 0);
  const auto all_kept = [&](const json& after) {
    for (const auto& [name, value] : before.items()) {
      INFO(name << ": " << value << ", then " << after.at(name));
      if (value.is_number() && name != "cache_bytes") CHECK(after.at(name) >= value);
    }
  };
  for (int kills = 1; kills <= 2; ++kills) {
    rig.KillWorker();
    ForgetCaches();
    CHECK(ReadErrno(rig.mount(0) + "/" + kLongFile) == 0);
    const json after = Counters(rig);
    all_kept(after);
    CHECK(after.at("blocks_verified") > before.at("blocks_verified"));
    CHECK(after.at("worker_deaths") == kills);
    CHECK(after.at("worker_restarts") == kills);
    before = after;
  }
  rig.Run({"reload"});
  const json after = Counters(rig);
  all_kept(after);
  CHECK(after.at("worker_restarts") == 2);
  CHECK(after.at("switches") == 1);
}

TEST_CASE("blocks of a layer that was let go of stay counted") {
  const SwitchRig rig(1);
  rig.SwitchByProgram(2);
  CHECK(RunCommand({"sh", "-c", "find \"$0\" -type f -exec cat {} + >/dev/null", rig.mount(0)}).status == 0);
  rig.SwitchByProgram(0);
  ForgetCaches();
  const auto before = Counters(rig).at("blocks_verified").get<uint64_t>();
  REQUIRE_FALSE(rig.Json({"gc", "--keep", "0"}).at("removed").empty());
  CHECK(Counters(rig).at("blocks_verified").get<uint64_t>() >= before);
}

TEST_CASE("a store that nobody mounted has metrics too") {
  const SwitchRig rig(0);
  const Families families = Metrics(rig);
  CHECK(ValueOf(families, "veneer_store_generation", {{"store", rig.store()}}) == 1);
  CHECK(families.at("veneer_requests_total").samples.empty());
}

}  // namespace
}  // namespace veneer::test
