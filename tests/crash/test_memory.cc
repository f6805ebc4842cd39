// Commands that may have so little memory that allocations fail.
#include <filesystem>

#include "fs/fuse/sanitizers.h"
#include "tests/crash/memory_limit.h"
#include "tests/crash/trial.h"

namespace veneer::test {
namespace {

namespace stdfs = std::filesystem;

constexpr int kSteps = 8;

TEST_CASE(
    "a command that changes a store says that memory is out, changes nothing, and completes with more") {
  if (fuse::kSanitized) return;  // which takes terabytes of addresses
  const std::string resource = GENERATE(as<std::string>{}, "as", "data");
  for (const Scene& scene : Scenes()) {
    Trial trial(scene);
    const auto run = [&](const MemoryLimit& limit) {
      trial.Place(trial.tree());
      return RunLimited(limit, trial.ProgramCommand());
    };
    const auto limits =
        FallingLimits(resource, kSteps, [&](const MemoryLimit& limit) { return run(limit).status == 0; });
    int failed = 0;
    for (const MemoryLimit& limit : limits) {
      INFO(scene.name << ", --" << limit.resource << "=" << limit.bytes);
      const CommandResult result = run(limit);
      if (result.status == 0) continue;  // threads come to share more or less
      ++failed;
      RequireOutOfMemory(result, scene.command.front());
      trial.RequireUnchanged();
      trial.RequireRecovers();
    }
    INFO(scene.name);
    CHECK(failed > kSteps / 2);
  }
}

// What is in the workshop, by name and size.
std::map<std::string, uintmax_t> FilesOf(const std::string& folder) {
  std::map<std::string, uintmax_t> files;
  for (const auto& entry : stdfs::recursive_directory_iterator(folder)) {
    files[entry.path()] = entry.is_regular_file() ? entry.file_size() : 0;
  }
  return files;
}

TEST_CASE("a command that makes or shows something says that memory is out, and leaves nothing behind") {
  if (fuse::kSanitized) return;
  const PolicyStore store;
  const std::string out = store.shop / "out.layer";
  stdfs::create_directories(store.shop / "tmp");
  const std::string lib = store.Patch("lib", "lib", 1);  // leaves a tree that differs from the base's
  std::vector<std::string> patch = {"patch", store.shop.tree(), "-o",
                                    out,     "--base",          store.shop / "base.layer"};
  for (const char* word : {"--component", "lib", "--sequence", "1", "--key"}) patch.emplace_back(word);
  patch.insert(patch.end(), {store.shop.key(), "--cert", store.shop.certificate()});
  store.shop.Write("tree/more", "more");
  const std::vector<std::vector<std::string>> commands = {
      store.shop.SealWords(out), patch, {"inspect", "--verify", lib}, {"scan"}, {"status"}};
  const std::string resource = GENERATE(as<std::string>{}, "as", "data");
  for (const std::vector<std::string>& command : commands) {
    std::vector<std::string> argv = {"env", "TMPDIR=" + store.shop / "tmp", VENEER_PROGRAM, "--store",
                                     store.path()};
    argv.insert(argv.end(), command.begin(), command.end());
    const auto before = FilesOf(store.shop.path());
    const auto works = [&](const MemoryLimit& limit) {
      stdfs::remove(out);
      return RunLimited(limit, argv).status == 0;
    };
    int failed = 0;
    for (const MemoryLimit& limit : FallingLimits(resource, kSteps, works)) {
      INFO(command.front() << ", --" << limit.resource << "=" << limit.bytes);
      stdfs::remove(out);
      const CommandResult result = RunLimited(limit, argv);
      if (result.status == 0) continue;
      ++failed;
      RequireOutOfMemory(result, command.front(), "mkfs.erofs: ");
      CHECK(FilesOf(store.shop.path()) == before);
    }
    INFO(command.front());
    CHECK(failed > 0);
    stdfs::remove(out);
    CHECK(RunCommand(argv).status == 0);
    stdfs::remove(out);
  }
}

}  // namespace
}  // namespace veneer::test
