// The worker dies, and nobody who uses the mount can tell.
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "fs/base/unique_fd.h"
#include "tests/mount/damage.h"
#include "tests/mount/switch_rig.h"
#include "tests/support/process.h"
#include "tests/support/until.h"

namespace veneer::test {
namespace {

using nlohmann::json;

std::string AnyFile(const SwitchRig& rig) {
  for (const auto& [path, shown] : DescribeTrees(rig.root())) {
    if (shown[0].present && S_ISREG(shown[0].st.st_mode) && !shown[0].content.empty()) return path;
  }
  FAIL("no file");
  return "";
}

// Names and inode numbers, in the order in which they come.
std::vector<std::pair<std::string, ino_t>> List(DIR* folder, size_t most) {
  std::vector<std::pair<std::string, ino_t>> entries;
  while (entries.size() < most) {
    const dirent* entry = ::readdir(folder);
    if (entry == nullptr) break;
    entries.emplace_back(entry->d_name, entry->d_ino);
  }
  return entries;
}

TEST_CASE("inodes, open files, mappings, folders and listings go on with another worker") {
  const SwitchRig rig(1);
  const std::string path = rig.mount(0) + "/" + AnyFile(rig);
  struct stat before {};
  REQUIRE(::stat(path.c_str(), &before) == 0);
  const auto size = static_cast<size_t>(before.st_size);
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  REQUIRE(file);
  auto* mapped = static_cast<char*>(::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0));
  REQUIRE(mapped != MAP_FAILED);
  const std::string source = rig.root() + "/t0" + path.substr(rig.mount(0).size());
  std::string content(size, '\0');
  std::ifstream(source, std::ios::binary).read(content.data(), static_cast<std::streamsize>(size));
  DIR* folder = ::opendir(rig.mount(0).c_str());
  DIR* again = ::opendir(rig.mount(0).c_str());
  REQUIRE(folder != nullptr);
  auto listed = List(folder, 3);

  rig.KillWorker();
  ForgetCaches();

  struct stat after {};
  REQUIRE(::stat(path.c_str(), &after) == 0);
  CHECK(after.st_ino == before.st_ino);
  CHECK(after.st_dev == before.st_dev);
  std::string read(size, '\0');
  CHECK(::pread(file.get(), read.data(), size, 0) == before.st_size);
  CHECK(read == content);
  CHECK(std::string(mapped, size) == content);
  const auto rest = List(folder, 1000);
  listed.insert(listed.end(), rest.begin(), rest.end());
  CHECK(listed == List(again, 1000));
  ::closedir(folder);
  ::closedir(again);
  ::munmap(mapped, size);
  rig.SwitchByProgram(1);
  CHECK(rig.Generations().at(rig.mount(0)) == 2);
}

TEST_CASE("what a former generation had is there for who holds it, with another worker too") {
  const SwitchRig rig(1);
  rig.SwitchByProgram(1);
  std::string path;
  for (const auto& [name, shown] : DescribeTrees(rig.root())) {
    if (shown[1].present && !shown[0].present && S_ISREG(shown[1].st.st_mode)) path = name;
  }
  REQUIRE_FALSE(path.empty());
  const UniqueFd file(::open((rig.mount(0) + "/" + path).c_str(), O_RDONLY | O_CLOEXEC));
  REQUIRE(file);
  rig.SwitchByProgram(0);
  rig.KillWorker();
  ForgetCaches();
  char first = 0;
  CHECK(::pread(file.get(), &first, 1, 0) == 1);
  CHECK(::access((rig.mount(0) + "/" + path).c_str(), F_OK) != 0);
  // It is held still, and gc knows, though another worker gave it out.
  CHECK(rig.Json({"gc", "--keep", "0"}).at("removed").empty());
}

// A file that only `tree` has, opened on the mount while that is shown.
UniqueFd OpenFileOf(const SwitchRig& rig, size_t tree) {
  for (const auto& entry : DescribeTrees(rig.root())) {
    const std::string& path = entry.first;
    const ShownByTree& shown = entry.second;
    const bool elsewhere = std::any_of(shown.begin(), shown.end(), [&](const Shown& one) {
      return &one != &shown[tree] && one.present && one.content == shown[tree].content;
    });
    if (elsewhere || !shown[tree].present || !S_ISREG(shown[tree].st.st_mode)) continue;
    UniqueFd file(::open((rig.mount(0) + "/" + path).c_str(), O_RDONLY | O_CLOEXEC));
    if (file) return file;
  }
  FAIL("no file of tree " << tree);
  return {};
}

TEST_CASE("a held file outlives its generation, another layer of that, and the worker") {
  const SwitchRig rig(1);
  rig.SwitchByProgram(2);
  const UniqueFd file = OpenFileOf(rig, 2);
  rig.SwitchByProgram(0);
  // The layer below it goes.
  CHECK(rig.Json({"gc", "--keep", "0"}).at("removed").size() == 1);
  rig.KillWorker();
  ForgetCaches();
  char first = 0;
  CHECK(::pread(file.get(), &first, 1, 0) == 1);
  CHECK(rig.Json({"gc", "--keep", "0"}).at("removed").empty());
}

TEST_CASE("a held file outlives more generations than a mount remembers, and the worker") {
  const SwitchRig rig(1);
  rig.SwitchByProgram(2);
  const UniqueFd file = OpenFileOf(rig, 2);
  {
    Switcher switcher(rig);
    for (int i = 0; i < 300; ++i) switcher.SwitchTo(i % 2);
  }
  rig.KillWorker();
  ForgetCaches();
  char first = 0;
  CHECK(::pread(file.get(), &first, 1, 0) == 1);
}

// Kills workers as fast as they come, until none comes any more; returns the pid of none.
void WearOut(const SwitchRig& rig) {
  Until("no worker to be had", [&] {
    const pid_t worker = rig.WorkerOf(0);
    if (worker != 0) ::kill(worker, SIGKILL);
    return worker == 0;
  });
}

TEST_CASE(
    "when no worker can be had, requests get an error and do not wait, and another generation is tried at "
    "once") {
  const SwitchRig rig(1);
  const std::string path = rig.mount(0) + "/" + AnyFile(rig);
  // A worker may come back between the last death and the request; the waits grow, so that soon none does.
  int error = 0;
  for (int round = 0; round < 8 && error == 0; ++round) {
    WearOut(rig);
    ForgetCaches();
    const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    char byte = 0;
    // Nothing of it is cached: either the open or the read has to ask.
    if (!file || ::read(file.get(), &byte, 1) < 0) error = errno;
  }
  CHECK(error == EIO);
  CHECK(std::string(rig.Status(0).at("last_death")).find("signal 9") != std::string::npos);
  WearOut(rig);
  CHECK(rig.Try({"status"}).out.find("NOT SERVED  requests get EIO: signal 9") != std::string::npos);
  // It cannot tell what is in use: nothing goes, and no other mount suffers.
  const auto gc = rig.Json({"gc", "--keep", "0"});
  if (rig.WorkerOf(0) == 0) CHECK(gc.at("removed").empty());
  rig.SwitchByProgram(1);
  CHECK(rig.WorkerOf(0) != 0);
  CHECK(rig.Generations().at(rig.mount(0)) == 2);
  CHECK(RunCommand({"ls", "-lR", rig.mount(0)}).status == 0);
}

// Looks up and lists all that the mount shows, and has the kernel drop it, until it goes.
class UseAndForget {
 public:
  explicit UseAndForget(const std::string& dir) {
    for (int i = 0; i < 2; ++i) threads_.emplace_back([this, dir] { Use(dir); });
    threads_.emplace_back([this] {
      while (!stop_) ForgetCaches();
    });
  }
  ~UseAndForget() {
    stop_ = true;
    for (std::thread& thread : threads_) thread.join();
  }
  UseAndForget(const UseAndForget&) = delete;
  UseAndForget& operator=(const UseAndForget&) = delete;

 private:
  void Use(const std::string& dir) {
    while (!stop_) {
      std::error_code error;
      std::filesystem::recursive_directory_iterator entry(dir, error);
      struct stat st {};
      for (; !error && entry != std::filesystem::recursive_directory_iterator(); entry.increment(error))
        static_cast<void>(::lstat(entry->path().c_str(), &st));
    }
  }

  std::atomic<bool> stop_{false};
  std::vector<std::thread> threads_;
};

TEST_CASE("workers killed while nodes come and go leave no layer counted that nobody holds") {
  const SwitchRig rig(1);
  rig.SwitchByProgram(2);
  {
    const UseAndForget users(rig.mount(0));
    for (int kill = 0; kill < 12; ++kill) {
      rig.KillWorker();
      LetWorkerLive();
    }
  }
  rig.SwitchByProgram(0);
  ForgetCaches();
  CHECK(rig.Json({"gc", "--keep", "0"}).at("removed").size() == 2);
}

TEST_CASE("what the kernel drops while no worker can be had is not counted") {
  const SwitchRig rig(1);
  rig.SwitchByProgram(2);
  REQUIRE(RunCommand({"ls", "-lR", rig.mount(0)}).status == 0);
  WearOut(rig);
  ForgetCaches();
  rig.SwitchByProgram(0);
  ForgetCaches();
  CHECK(rig.Json({"gc", "--keep", "0"}).at("removed").size() == 2);
}

TEST_CASE("a worker has no rights, and ends with its supervisor") {
  const SwitchRig rig(1);
  const pid_t worker = rig.WorkerOf(0);
  std::ifstream file("/proc/" + std::to_string(worker) + "/status");
  std::string line;
  std::string status;
  while (std::getline(file, line)) status += line + "\n";
  CHECK(status.find("CapEff:\t0000000000000000") != std::string::npos);
  CHECK(status.find("Seccomp:\t2") != std::string::npos);
  CHECK(status.find("NoNewPrivs:\t1") != std::string::npos);
  CHECK(status.find("Uid:\t0\t") == std::string::npos);
  // Standard error, two sockets, the device and the layer, and no more.
  size_t descriptors = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(worker) + "/fd")) {
    static_cast<void>(entry);
    ++descriptors;
  }
  CHECK(descriptors <= 8);
  rig.KillServer(0);
  WaitForEnd(worker);
}

TEST_CASE("a supervisor that is told to stop unmounts; the worker leaves that to it") {
  const SwitchRig rig(1);
  const pid_t supervisor = rig.ServerOf(0);
  const pid_t worker = rig.WorkerOf(0);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) ::kill(worker, signal);
  ::kill(supervisor, SIGHUP);
  CHECK(rig.WorkerOf(0) == worker);
  ::kill(supervisor, SIGTERM);
  WaitForEnd(supervisor);
  CHECK(std::filesystem::is_empty(rig.mount(0)));
}

TEST_CASE("reload puts another supervisor and worker under the mount, and nobody can tell") {
  const SwitchRig rig(1);
  rig.SwitchByProgram(1);
  const std::string path = rig.mount(0) + "/" + AnyFile(rig);
  struct stat before {};
  REQUIRE(::stat(path.c_str(), &before) == 0);
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  REQUIRE(file);
  const pid_t supervisor = rig.ServerOf(0);
  const pid_t worker = rig.WorkerOf(0);
  const auto reads = rig.Status(0).at("counters").at("lookups").get<uint64_t>();
  rig.Run({"reload"});
  ForgetCaches();
  CHECK(rig.ServerOf(0) != supervisor);
  CHECK(rig.WorkerOf(0) != worker);
  CHECK(rig.Status(0).at("counters").at("lookups").get<uint64_t>() >= reads);
  struct stat after {};
  REQUIRE(::stat(path.c_str(), &after) == 0);
  CHECK(after.st_ino == before.st_ino);
  CHECK(after.st_dev == before.st_dev);
  char byte = 0;
  CHECK(::pread(file.get(), &byte, 1, 0) == 1);
  rig.SwitchByProgram(2);
  rig.KillWorker();
  rig.Run({"reload", rig.mount(0)});
  rig.SwitchByProgram(0);
  CHECK(rig.Generations().at(rig.mount(0)) == 4);
  CHECK(RunCommand({"ls", "-lR", rig.mount(0)}).status == 0);
  RequireError(rig.Try({"reload", "/nowhere"}), 1, "reload", {"no mount of this store"});
}

TEST_CASE("where the new program will not trust what is mounted, the old one stays") {
  const SwitchRig rig(1);
  const pid_t supervisor = rig.ServerOf(0);
  std::filesystem::rename(rig.store() + "/trust/base.d", rig.store() + "/trust/gone");
  RequireError(rig.Try({"reload"}), 4, "reload", {rig.mount(0)});
  std::filesystem::rename(rig.store() + "/trust/gone", rig.store() + "/trust/base.d");
  CHECK(rig.ServerOf(0) == supervisor);
  rig.SwitchByProgram(1);
}

TEST_CASE("whoever reads what mount says is not kept waiting by the mount") {
  const SwitchRig rig(0);
  std::filesystem::create_directories(rig.mount(0));
  const std::string script = "\"$0\" --store \"$1\" mount \"$2\" 2>&1 | cat; umount \"$2\"";
  const auto result = RunCommand({"sh", "-c", script, VENEER_PROGRAM, rig.store(), rig.mount(0)});
  CHECK(result.out == rig.mount(0) + ": mounted\n");
}

TEST_CASE("a mount keeps nothing that its caller had open, nor does the server that takes it over") {
  const SwitchRig rig(0);
  std::filesystem::create_directories(rig.mount(0));
  const std::string script =
      R"(exec 9>"$3"; flock 9; "$0" --quiet --store "$1" mount "$2"; exec 9>&-; flock -n "$3" echo free; )"
      R"(exec 9>"$3"; flock 9; "$0" --quiet --store "$1" reload; exec 9>&-; flock -n "$3" echo free; umount "$2")";
  const auto result =
      RunCommand({"sh", "-c", script, VENEER_PROGRAM, rig.store(), rig.mount(0), rig.root() + "/lock"});
  CHECK(result.out == "free\nfree\n");
}

}  // namespace
}  // namespace veneer::test
