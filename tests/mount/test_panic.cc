// Damage that crashes the kernel, with a file in the place of what would do that.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "fs/fuse/supervisor.h"
#include "tests/mount/damage.h"
#include "tests/mount/switch_rig.h"
#include "tests/support/until.h"

namespace veneer::test {
namespace {

// The store of a rig at its mount(0), with a supervisor that is a child of this process.
class PanickingMount {
 public:
  PanickingMount(const SwitchRig& rig, const std::string& trigger) : target_(rig.mount(0)) {
    std::filesystem::create_directory(target_);
    int ready[2];
    REQUIRE(::pipe2(ready, O_CLOEXEC) == 0);
    supervisor_ = ::fork();
    REQUIRE(supervisor_ >= 0);
    if (supervisor_ == 0) Serve(rig, trigger, ready[1]);
    ::close(ready[1]);
    const UniqueFd line(ready[0]);
    char byte = 0;
    REQUIRE(::read(line.get(), &byte, 1) == 1);
  }
  ~PanickingMount() {
    ::kill(supervisor_, SIGKILL);
    ::waitpid(supervisor_, nullptr, 0);
    ::umount2(target_.c_str(), MNT_DETACH);
  }
  PanickingMount(const PanickingMount&) = delete;
  PanickingMount& operator=(const PanickingMount&) = delete;

 private:
  [[noreturn]] void Serve(const SwitchRig& rig, const std::string& trigger, int ready) const {
    fuse::MountOptions options;
    options.store = rig.store();
    options.target = target_;
    options.panic_on_corruption = true;
    options.panic_trigger = trigger;
    const auto supervisor = fuse::Supervisor::Start(std::move(options), [](const fuse::Happening&) {});
    if (!supervisor || ::write(ready, "r", 1) != 1) ::_exit(1);
    (*supervisor)->Run();
    ::_exit(0);
  }

  std::string target_;
  pid_t supervisor_ = -1;
};

// Reads the file in a child, whose exit status is what ReadErrno gives.
pid_t BeginToRead(const std::string& path) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) ::_exit(ReadErrno(path));
  return child;
}

std::string ContentOf(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST_CASE("damage crashes the kernel before anybody gets an answer, by the supervisor's hand") {
  const SwitchRig rig(0);
  const std::string trigger = rig.root() + "/trigger";
  std::ofstream(trigger).flush();
  pid_t reader = -1;
  {
    const PanickingMount mount(rig, trigger);
    const pid_t worker = rig.WorkerOf(0);
    for (const auto& open : std::filesystem::directory_iterator("/proc/" + std::to_string(worker) + "/fd"))
      CHECK(std::filesystem::read_symlink(open) != trigger);
    DamageLongFile(rig);
    reader = BeginToRead(rig.mount(0) + "/" + kLongFile);
    Until("the kernel to crash", [&] { return ContentOf(trigger) == "c"; });
    CHECK(rig.WorkerOf(0) == worker);  // it has gone round once more since
    CHECK(::waitpid(reader, nullptr, WNOHANG) == 0);
  }
  // It waits until the mount is gone.
  int status = 0;
  REQUIRE(::waitpid(reader, &status, 0) == reader);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) != 0);
  CHECK(WEXITSTATUS(status) != EIO);
}

TEST_CASE("damage is answered with EIO where the kernel will not crash, each time") {
  const SwitchRig rig(0);
  const PanickingMount mount(rig, "/dev/full");
  DamageLongFile(rig);
  for (int i = 0; i < 2; ++i) CHECK(ReadErrno(rig.mount(0) + "/" + kLongFile) == EIO);
}

}  // namespace
}  // namespace veneer::test
