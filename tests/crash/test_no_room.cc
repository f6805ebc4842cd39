// A real file system that runs full, at each of a store's writes.
#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/crash/in_process.h"
#include "tests/crash/scenes.h"
#include "tests/crash/store_state.h"

namespace veneer::test {
namespace {

namespace stdfs = std::filesystem;

constexpr off_t kPage = 4096;

class SmallTmpfs {
 public:
  SmallTmpfs() { REQUIRE(::mount("tmpfs", scratch_.path().c_str(), "tmpfs", 0, "size=16m") == 0); }
  ~SmallTmpfs() { ::umount2(scratch_.path().c_str(), MNT_DETACH); }
  SmallTmpfs(const SmallTmpfs&) = delete;
  SmallTmpfs& operator=(const SmallTmpfs&) = delete;

  std::string store() const { return scratch_ / "store"; }

  // Leaves room for `pages`, beside what is there.
  void Fill(int pages) const {
    const UniqueFd ballast(::open((scratch_ / "ballast").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600));
    REQUIRE(ballast);
    const auto free = static_cast<off_t>(stdfs::space(scratch_.path()).available);
    REQUIRE(free > pages * kPage);
    REQUIRE(::posix_fallocate(ballast.get(), 0, free - pages * kPage) == 0);
  }
  void Empty() const { stdfs::remove(scratch_ / "ballast"); }

 private:
  Scratch scratch_;
};

void Copy(const Scene& scene, const std::string& store) {
  stdfs::remove_all(store);
  stdfs::copy(TheSupplies().store.path(), store, stdfs::copy_options::recursive);
  scene.prepare(store);
}

bool GivesUpBallast(const Scene& scene) {
  const std::string& verb = scene.command.front();
  return verb == "gc" || verb == "activate" || verb == "revert";
}

bool IsHinted(const Scene& scene) {
  return GivesUpBallast(scene) || scene.command.front() == "install";
}

TEST_CASE("a full disk refuses a change and breaks nothing; with room it completes") {
  const SmallTmpfs disk;
  for (const Scene& scene : Scenes()) {
    int refused = 0;
    for (int pages = 0;; ++pages) {
      INFO(scene.name << ", with room for " << pages << " pages");
      REQUIRE(pages < 500);
      Copy(scene, disk.store());
      stdfs::remove(disk.store() + "/ballast");
      disk.Fill(pages);
      const CommandResult full = RunInProcess(disk.store(), scene.command);
      INFO(full.err);
      disk.Empty();
      if (full.status == 0) break;
      ++refused;
      CHECK(full.status == 1);
      CHECK(full.err.find("No space left on device") != std::string::npos);
      if (IsHinted(scene)) {
        CHECK(full.err.find("run: veneer --store " + disk.store() + " gc") != std::string::npos);
      }
      if (scene.command == RepairScene().command) {
        // It needed no room for the blocks.
        std::string wrong;
        CHECK(ReadWholeStore(disk.store(), wrong));
        INFO(wrong);
      }
      const CommandResult again = RunInProcess(disk.store(), scene.command);
      INFO(again.err);
      CHECK(again.status == 0);
      std::string wrong;
      CHECK(ReadWholeStore(disk.store(), wrong));
      INFO(wrong);
    }
    INFO(scene.name);
    CHECK(refused > 0);
  }
}

TEST_CASE("gc, activate and revert find their way out of a full disk, and put the ballast back afterwards") {
  const SmallTmpfs disk;
  const std::string ballast = disk.store() + "/ballast";
  for (const Scene& scene : Scenes()) {
    if (!GivesUpBallast(scene)) continue;
    INFO(scene.name);
    Copy(scene, disk.store());
    if (!stdfs::exists(ballast)) {
      const CommandResult put_back = RunInProcess(disk.store(), {"activate", "--dry-run"});
      REQUIRE(put_back.status == 0);
    }
    REQUIRE(stdfs::file_size(ballast) == 1 << 20);
    disk.Fill(0);
    const CommandResult full = RunInProcess(disk.store(), scene.command);
    INFO(full.err);
    CHECK(full.status == 0);
    CHECK_FALSE(stdfs::exists(ballast));
    std::string wrong;
    CHECK(ReadWholeStore(disk.store(), wrong));
    INFO(wrong);
    disk.Empty();
    CHECK(RunInProcess(disk.store(), {"gc"}).status == 0);
    CHECK(stdfs::exists(ballast));
  }
}

TEST_CASE("gc removes what interrupted commands left though there is neither room nor ballast") {
  const SmallTmpfs disk;
  stdfs::copy(TheSupplies().store.path(), disk.store(), stdfs::copy_options::recursive);
  stdfs::remove(disk.store() + "/ballast");
  const std::string left = disk.store() + "/layers/left.tmp-123456";
  std::ofstream(left) << std::string(1 << 20, 'x');
  disk.Fill(0);
  const CommandResult gc = RunInProcess(disk.store(), {"gc"});
  INFO(gc.err);
  CHECK(gc.status == 0);
  CHECK_FALSE(stdfs::exists(left));
}

// No generation can tell yet what is needed.
TEST_CASE(
    "a disk that a first install filled before it was cut is emptied by gc, and then takes the install") {
  const SmallTmpfs disk;
  REQUIRE(RunInProcess(disk.store(), {"init", "--trust", TheSupplies().store.shop.trust()}).status == 0);
  stdfs::remove(disk.store() + "/ballast");
  const std::string left = disk.store() + "/layers/x.tmp-123456";
  std::ofstream(left) << std::string(1 << 20, 'x');
  disk.Fill(0);
  const std::vector<std::string> install = {"install", TheSupplies().store.shop / "base.layer", "--activate"};
  CHECK(RunInProcess(disk.store(), install).status == 1);
  const CommandResult gc = RunInProcess(disk.store(), {"gc"});
  INFO(gc.err);
  CHECK(gc.status == 0);
  CHECK_FALSE(stdfs::exists(left));
  disk.Empty();
  const CommandResult installed = RunInProcess(disk.store(), install);
  INFO(installed.err);
  CHECK(installed.status == 0);
  std::string wrong;
  const auto state = ReadWholeStore(disk.store(), wrong);
  INFO(wrong);
  REQUIRE(state);
  CHECK(state->current == std::vector<std::string>{TheSupplies().store.base});
}

TEST_CASE(
    "a catalog that is damaged on a full disk is made anew in the ballast's room, or says that it has none") {
  const SmallTmpfs disk;
  stdfs::copy(TheSupplies().store.path(), disk.store(), stdfs::copy_options::recursive);
  const std::string ballast = disk.store() + "/ballast";
  REQUIRE(stdfs::file_size(ballast) == 1 << 20);
  const std::string damage = GENERATE(as<std::string>{}, "damaged", "missing");
  INFO(damage);
  const std::string current = disk.store() + "/catalog/CURRENT";
  if (damage == "damaged") std::ofstream(current) << "MANIFEST-999999\n";
  if (damage == "missing") stdfs::remove(current);
  const bool has_ballast = GENERATE(true, false);
  if (!has_ballast) stdfs::remove(ballast);
  disk.Fill(0);
  const CommandResult full = RunInProcess(disk.store(), {"repair-catalog"});
  INFO(full.err);
  if (!has_ballast) {
    CHECK(full.status == 1);
    CHECK(full.err.find("No space left on device; make room") != std::string::npos);
    CHECK(full.err.find("run: veneer --store " + disk.store() + " repair-catalog") != std::string::npos);
    disk.Empty();
    CHECK(RunInProcess(disk.store(), {"repair-catalog"}).status == 0);
  } else {
    CHECK(full.status == 0);
    CHECK_FALSE(stdfs::exists(ballast));
  }
  std::string wrong;
  const auto state = ReadWholeStore(disk.store(), wrong);
  INFO(wrong);
  REQUIRE(state);
  CHECK(state->current.size() == 2);
}

}  // namespace
}  // namespace veneer::test
