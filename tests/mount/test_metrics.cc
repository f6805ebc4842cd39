// `veneer metrics`, and the counters in `veneer status`: the same, and kept through all that befalls a mount.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

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

TEST_CASE("of a mount that is detached and the one in its place the metrics can be told apart") {
  const SwitchRig rig(1);
  const UniqueFd held(::open((rig.mount(0) + "/" + kLongFile).c_str(), O_RDONLY | O_CLOEXEC));
  REQUIRE(held);
  REQUIRE(::umount2(rig.mount(0).c_str(), MNT_DETACH) == 0);
  rig.Run({"mount", rig.mount(0)});
  const Families families = Metrics(rig);  // no two samples have the same labels
  const auto& generations = families.at("veneer_mount_generation").samples;
  REQUIRE(generations.size() == 2);
  struct stat inside {};
  REQUIRE(::fstat(held.get(), &inside) == 0);
  const std::string device = fmt::format("{}:{}", major(inside.st_dev), minor(inside.st_dev));
  CHECK(Value(rig, families, "veneer_mount_generation", 0, {{"device", device}}) == 1);
}

TEST_CASE("a mount whose server was killed is missed in the metrics") {
  const SwitchRig rig(2);
  const auto unserved = [&] {
    return ValueOf(Metrics(rig), "veneer_store_unserved_mounts", {{"store", rig.store()}});
  };
  CHECK(unserved() == 0);
  rig.KillServer(0);
  CHECK(unserved() == 1);
  CHECK(Metrics(rig).at("veneer_mount_generation").samples.size() == 1);
  rig.Run({"umount", rig.mount(0)});
  CHECK(unserved() == 0);
}

// Leaves nothing of the catalog that can be read.
void DamageCatalog(const SwitchRig& rig) {
  for (const auto& file : std::filesystem::directory_iterator(rig.store() + "/catalog")) {
    if (file.path().filename().string().starts_with("MANIFEST")) std::ofstream(file.path()) << "damaged";
  }
}

TEST_CASE("where the catalog is damaged, metrics and status have what the mounts say, and say that it is") {
  const SwitchRig rig(1);
  DamageCatalog(rig);
  const std::string file = rig.root() + "/veneer.prom";
  RequireError(rig.Try({"metrics", "-o", file}), 3, "metrics", {"repair-catalog"});
  std::ifstream written(file);
  const Families families = ParseExposition(std::string(std::istreambuf_iterator<char>(written), {}));
  CHECK(ValueOf(families, "veneer_store_catalog_readable", {{"store", rig.store()}}) == 0);
  CHECK_FALSE(families.contains("veneer_store_generation"));
  CHECK(Value(rig, families, "veneer_mount_generation", 0) == 1);
  const json status = rig.Json({"status"}, 3);
  CHECK(status.at("mounts").at(0).at("dir") == rig.mount(0));
  CHECK(status.at("error").at("code") == "damaged");
  CHECK_FALSE(status.contains("generation"));
  const CommandResult said = rig.Try({"status"});
  RequireErrorLine(said, 3, "status", {"repair-catalog"});
  CHECK(said.out.find("mounted at " + rig.mount(0)) == 0);
  rig.Run({"umount", rig.mount(0)});
  rig.Run({"repair-catalog"});
  CHECK(ValueOf(Metrics(rig), "veneer_store_catalog_readable") == 1);
}

// The program, as a user who is not root.
CommandResult AsNobody(const SwitchRig& rig, const std::vector<std::string>& words) {
  std::filesystem::permissions(rig.root(), std::filesystem::perms(0755));
  std::vector<std::string> command = {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"};
  std::vector<std::string> all = {"--store", rig.store()};
  all.insert(all.end(), words.begin(), words.end());
  for (const std::string& word : VeneerCommand(all)) command.push_back(word);
  return RunCommand(command);
}

TEST_CASE("a user who may not ask the server of a mount is told so, and gets all the rest") {
  const SwitchRig rig(1);
  const std::string server = fmt::format("process {}, the server of a mount", rig.ServerOf(0));
  const CommandResult words = AsNobody(rig, {"status"});
  INFO(words.err);
  CHECK(words.status == 0);
  CHECK(words.err == "");
  CHECK(words.out.find("NOT KNOWN  " + server + ": only root may ask") != std::string::npos);
  CHECK(words.out.find("not mounted") == std::string::npos);
  const json status = json::parse(AsNobody(rig, {"--json", "status"}).out);
  CHECK(status.at("generation") == 1);
  CHECK(status.at("mounts").empty());
  CHECK(status.at("silent").empty());
  CHECK(status.at("unasked").size() == 1);
  const CommandResult metrics = AsNobody(rig, {"metrics"});
  CHECK(metrics.status == 0);
  CHECK(metrics.err ==
        fmt::format("veneer: metrics: left out: {}: only root may ask what it shows\n", server));
  const Families families = ParseExposition(metrics.out);
  CHECK(ValueOf(families, "veneer_store_silent_servers") == 0);
  CHECK(ValueOf(families, "veneer_store_unasked_servers") == 1);
  CHECK(ValueOf(Metrics(rig), "veneer_store_unasked_servers") == 0);
  // Who has to know of every mount cannot go on.
  RequireError(AsNobody(rig, {"ps"}), 1, "ps", {server, "only root may ask"});
}

TEST_CASE("a store that nobody mounted has metrics too") {
  const SwitchRig rig(0);
  const Families families = Metrics(rig);
  CHECK(ValueOf(families, "veneer_store_generation", {{"store", rig.store()}}) == 1);
  CHECK(families.at("veneer_requests_total").samples.empty());
}

}  // namespace
}  // namespace veneer::test
