// A real file system that runs full, at each of a store's writes.
#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>

#include "tests/crash/in_process.h"
#include "tests/crash/scenes.h"
#include "tests/crash/store_state.h"

namespace veneer::test {
namespace {

namespace stdfs = std::filesystem;

constexpr off_t kPage = 4096;

class SmallTmpfs {
 public:
  SmallTmpfs() { REQUIRE(::mount("tmpfs", scratch_.path().c_str(), "tmpfs", 0, "size=4m") == 0); }
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

TEST_CASE("a full disk refuses a change and breaks nothing; with room it completes") {
  const SmallTmpfs disk;
  for (const Scene& scene : Scenes()) {
    const auto copy = [&] {
      stdfs::remove_all(disk.store());
      stdfs::copy(TheSupplies().store.path(), disk.store(), stdfs::copy_options::recursive);
      scene.prepare(disk.store());
    };
    int refused = 0;
    for (int pages = 0;; ++pages) {
      INFO(scene.name << ", with room for " << pages << " pages");
      REQUIRE(pages < 500);
      copy();
      disk.Fill(pages);
      const CommandResult full = RunInProcess(disk.store(), scene.command);
      INFO(full.err);
      disk.Empty();
      if (full.status == 0) break;
      ++refused;
      CHECK(full.status == 1);
      CHECK(full.err.find("No space left on device") != std::string::npos);
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

}  // namespace
}  // namespace veneer::test
