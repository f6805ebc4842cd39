#include "tests/mount/switch_rig.h"

#include <signal.h>
#include <sys/mount.h>

#include <filesystem>

#include "tests/support/process.h"

namespace veneer::test {
namespace {

// What `status` has on the mount at `dir`; null if that is nothing.
nlohmann::json MountIn(const nlohmann::json& status, const std::string& dir) {
  for (const auto& mount : status.at("mounts")) {
    if (mount.at("dir") == dir) return mount;
  }
  return {};
}

}  // namespace

SwitchRig::SwitchRig(int mounts, void (*make_trees)(const std::string& root)) : mounts_(mounts) {
  make_trees(root());
  const auto sign = [&](std::vector<std::string> words) {
    for (const std::string& word :
         {std::string("--key"), shop_.key(), std::string("--cert"), shop_.certificate()})
      words.push_back(word);
    const auto json = VeneerJson(std::move(words));
    ids_.push_back(json.at("layer_id"));
  };
  sign({"seal", shop_ / "t0", "-o", LayerFile(0), "--id", "demo", "--version", "1"});
  sign({"patch", shop_ / "t1", "-o", LayerFile(1), "--base", LayerFile(0), "--component", "p", "--sequence",
        "1"});
  sign({"patch", shop_ / "t2", "-o", LayerFile(2), "--base", LayerFile(0), "--on", LayerFile(1),
        "--component", "q", "--sequence", "1", "--requires", "p"});
  Run({"init", "--trust", shop_.trust()});
  Run({"install", LayerFile(0), "--activate"});
  Run({"install", LayerFile(1), LayerFile(2)});
  for (int i = 0; i < mounts; ++i) {
    std::filesystem::create_directories(mount(i));
    Run({"mount", mount(i)});
  }
}

SwitchRig::~SwitchRig() {
  for (int i = 0; i < mounts_; ++i) ::umount2(mount(i).c_str(), MNT_DETACH);
}

std::vector<std::string> SwitchRig::OnStore(std::vector<std::string> words) const {
  words.insert(words.begin(), {"--store", store()});
  return words;
}

CommandResult SwitchRig::Try(std::vector<std::string> words) const {
  return Veneer(OnStore(std::move(words)));
}

void SwitchRig::Run(std::vector<std::string> words) const {
  const CommandResult result = Try(std::move(words));
  INFO(result.out << result.err);
  REQUIRE(result.status == 0);
}

nlohmann::json SwitchRig::Json(std::vector<std::string> words, int status) const {
  return VeneerJson(OnStore(std::move(words)), status);
}

nlohmann::json SwitchRig::SwitchByProgram(int tree) const {
  if (tree == 0) return Json({"revert", "--all"});
  if (tree == 2) return Json({"activate"});
  return TreeOnRecord() == 2 ? Json({"revert", "q"}) : Json({"activate", "p"});
}

fuse::LiveMount SwitchRig::OnlyMount() const {
  const auto opened = catalog::Store::Open(store());
  REQUIRE_OK(opened);
  auto found = fuse::FindLiveMounts(opened->identity());
  REQUIRE_OK(found);
  REQUIRE(found->size() == 1);
  return std::move(found->front());
}

std::vector<std::string> SwitchRig::StackOf(int tree) const {
  return {ids_.begin(), ids_.begin() + tree + 1};
}

int SwitchRig::TreeOnRecord() const {
  return static_cast<int>(Json({"status"}).at("layers").size()) - 1;
}

std::map<std::string, uint64_t> SwitchRig::Generations() const {
  std::map<std::string, uint64_t> generations;
  const auto status = Json({"status"});
  for (const auto& mount : status.at("mounts")) generations[mount.at("dir")] = mount.at("generation");
  return generations;
}

pid_t SwitchRig::GuardianOf(int number) const {
  return Status(number).at("guardian_pid");
}

pid_t SwitchRig::ServerOf(int number) const {
  return Status(number).at("supervisor_pid");
}

pid_t SwitchRig::WorkerOf(int number) const {
  return Status(number).at("worker_pid");
}

void SwitchRig::KillWorker() const {
  test::KillWorker([this] { return WorkerOf(0); });
}

void SwitchRig::KillServer(int number) const {
  const nlohmann::json status = Status(number);
  KillEach({status.at("guardian_pid"), status.at("supervisor_pid")});
}

nlohmann::json SwitchRig::Status(int number) const {
  auto status = MountIn(Json({"status"}), mount(number));
  if (status.is_null()) FAIL("no server at " << mount(number));
  return status;
}

nlohmann::json SwitchRig::TryStatus(int number) const {
  const auto status = nlohmann::json::parse(Try({"--json", "status"}).out, nullptr, false);
  return status.contains("mounts") ? MountIn(status, mount(number)) : nlohmann::json();
}

Switcher::Switcher(const SwitchRig& rig) : rig_(rig) {
  auto store = catalog::Store::Open(rig.store());
  REQUIRE_OK(store);
  store_ = std::make_unique<catalog::Store>(std::move(*store));
  auto catalog = store_->OpenCatalogForWriting(std::chrono::seconds(10));
  REQUIRE_OK(catalog);
  catalog_ = std::move(*catalog);
}

fuse::SwitchReport Switcher::SwitchTo(int tree) {
  auto report = fuse::SwitchGeneration(*store_, *catalog_, rig_.StackOf(tree), "activate",
                                       {0, 1700000000, "activate", 0, "test", "switch"});
  REQUIRE_OK(report);
  for (const std::string& warning : report->warnings) FAIL_CHECK(warning);
  return std::move(*report);
}

}  // namespace veneer::test
