// Another server is put under a mount that is in use.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <thread>

#include "tests/mount/damage.h"
#include "tests/mount/switch_crowd.h"
#include "tests/mount/switch_rig.h"
#include "tests/support/process.h"
#include "tests/support/until.h"

namespace veneer::test {
namespace {

namespace stdfs = std::filesystem;

constexpr int kReloads = 20;

// A mount with a crowd on it that never switches, a file that stays open, and what is to stay as it was.
class UsedMount {
 public:
  UsedMount()
      : rig_(1),
        trees_(DescribeTrees(rig_.root())),
        inodes_(Inodes()),
        file_(::open((rig_.mount(0) + "/" + kLongFile).c_str(), O_RDONLY | O_CLOEXEC)),
        crowd_(rig_.mount(0), trees_, clock_,
               {Role::kRead, Role::kRead, Role::kRead, Role::kList, Role::kStat}) {
    REQUIRE(file_);
  }

  const SwitchRig& rig() const { return rig_; }

  // That everything is as it was, and nobody on the mount is held up.
  void Check() {
    ForgetCaches();
    CHECK(Inodes() == inodes_);
    const std::string& content = trees_.at(kLongFile)[0].content;
    std::string read(content.size(), '\0');
    CHECK(::pread(file_.get(), read.data(), read.size(), 0) == static_cast<ssize_t>(read.size()));
    CHECK(read == content);
    crowd_.WaitForAll();
  }

  // Ends the crowd: none saw an error, or anything but the one tree.
  void Judge() {
    crowd_.Stop();
    CHECK(crowd_.errors() == std::vector<std::string>());
    const SwitchHistory history(0);
    CHECK(history.CountStrangers(crowd_.lookups()) == 0);
    CHECK(history.CountStrangers(crowd_.listings()) == 0);
    const auto counters = rig_.Status(0).at("counters");
    INFO(counters);
    CHECK(counters.at("failures") == 0);
    CHECK(counters.at("events_lost") == 0);
  }

 private:
  std::map<std::string, std::pair<dev_t, ino_t>> Inodes() const {
    std::map<std::string, std::pair<dev_t, ino_t>> inodes;
    for (const auto& [path, shown] : trees_) {
      struct stat st {};
      if (::lstat((rig_.mount(0) + "/" + path).c_str(), &st) == 0) inodes[path] = {st.st_dev, st.st_ino};
    }
    return inodes;
  }

  SwitchRig rig_;
  std::map<std::string, ShownByTree> trees_;
  std::map<std::string, std::pair<dev_t, ino_t>> inodes_;
  UniqueFd file_;
  TickClock clock_;
  Crowd crowd_;
};

TEST_CASE("reload after reload, those who use the mount see no error, and nothing but what was there") {
  UsedMount mount;
  for (int i = 0; i < kReloads; ++i) {
    const pid_t server = mount.rig().ServerOf(0);
    mount.rig().Run({"reload"});
    CHECK(mount.rig().ServerOf(0) != server);
    mount.Check();
  }
  mount.Judge();
}

TEST_CASE("who asks while a mount gets another server is told of that mount once") {
  const SwitchRig rig(1);
  const auto store = catalog::Store::Open(rig.store());
  REQUIRE_OK(store);
  int asked = 0;
  std::set<size_t> seen;  // how many mounts there were
  std::jthread asking([&](const std::stop_token& stop) {
    for (; !stop.stop_requested(); ++asked) {
      const auto mounts = fuse::FindLiveMounts(store->identity());
      seen.insert(mounts ? mounts->size() : 99);
    }
  });
  for (int i = 0; i < kReloads; ++i) rig.Run({"reload"});
  asking.request_stop();
  asking.join();
  INFO(asked << " times asked");
  CHECK(seen == std::set<size_t>{1});
}

TEST_CASE("a worker that is killed while its mount gets another server does no harm either") {
  UsedMount mount;
  const SwitchRig& rig = mount.rig();
  const auto store = catalog::Store::Open(rig.store());
  REQUIRE_OK(store);
  const auto sockets = [&] {
    using Iterator = stdfs::directory_iterator;
    return std::distance(Iterator(fuse::ControlFolder(store->identity())), Iterator());
  };
  for (int i = 0; i < kReloads; ++i) {
    const pid_t worker = rig.WorkerOf(0);
    Command reload(VeneerCommand({"--store", rig.store(), "reload"}));
    // At once, or when the new server is there and the old one may be still.
    if (i % 2 == 1) {
      Until("the new server", [&] { return sockets() >= 2 || !Runs(worker) || reload.Ended(); });
    }
    ::kill(worker, SIGKILL);
    const CommandResult result = reload.Wait();
    INFO(result.err);
    CHECK(result.status == 0);
    mount.Check();
  }
  mount.Judge();
}

// What the servers of mount(0) and mount(1) have open, while a client of each waits.
std::vector<std::vector<std::string>> OpenFiles(const SwitchRig& rig) {
  const auto store = catalog::Store::Open(rig.store());
  REQUIRE_OK(store);
  const auto mounts = fuse::FindLiveMounts(store->identity());
  REQUIRE_OK(mounts);
  std::vector<std::vector<std::string>> all(2);
  for (const fuse::LiveMount& mount : *mounts) {
    auto& open = all[mount.dir() == rig.mount(0) ? 0 : 1];
    const int server = mount.status.at("supervisor_pid");
    for (const auto& fd : stdfs::directory_iterator("/proc/" + std::to_string(server) + "/fd")) {
      std::string what = stdfs::read_symlink(fd.path());
      open.push_back(what.substr(0, what.find('[')));  // sockets and pipes have numbers
    }
    std::sort(open.begin(), open.end());
  }
  return all;
}

TEST_CASE("a server that takes a mount over has no more open than the one before, nor have others") {
  const SwitchRig rig(2);
  rig.SwitchByProgram(1);
  const auto before = OpenFiles(rig);
  rig.Run({"reload", rig.mount(0)});
  CHECK(OpenFiles(rig) == before);
  rig.Run({"reload"});
  CHECK(OpenFiles(rig) == before);
}

}  // namespace
}  // namespace veneer::test
