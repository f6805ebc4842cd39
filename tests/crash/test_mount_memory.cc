// Mounts whose processes may have so little memory that allocations fail.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "fs/fuse/sanitizers.h"
#include "tests/crash/memory_limit.h"
#include "tests/support/pattern.h"
#include "tests/support/process.h"
#include "tests/tools/policy_store.h"

namespace veneer::test {
namespace {

namespace stdfs = std::filesystem;

constexpr size_t kAtOnce = 1 << 20;  // bytes in one request; more than any heap has left over
constexpr size_t kBigFile = 8 * kAtOnce;

void ForgetCaches() {
  std::ofstream("/proc/sys/vm/drop_caches") << 3;
}

// A mounted store with a big file, and a second generation to go to.
class LimitedMount : public PolicyStore {
 public:
  LimitedMount() {
    shop.Write("tree/big", std::string(AsText(Pattern(kBigFile, 1))));
    Install(Base("2"));
    stdfs::create_directories(mount());
  }
  ~LimitedMount() { ::umount2(mount().c_str(), MNT_DETACH); }
  LimitedMount(const LimitedMount&) = delete;
  LimitedMount& operator=(const LimitedMount&) = delete;

  std::string mount() const { return shop / "mnt"; }
  nlohmann::json Status() const { return Json({"status"}).at("mounts").at(0); }
  pid_t Worker() const { return Status().at("worker_pid"); }
  pid_t Supervisor() const { return Status().at("supervisor_pid"); }
  uint64_t Failures(const char* kind) const {
    return Status().at("counters").at("failures_by_kind").at(kind);
  }

  // The errno of reading the big file in requests of a MiB, past the kernel's cache; 0 if that goes well.
  int ReadBig() const {
    const UniqueFd file(::open((mount() + "/big").c_str(), O_RDONLY | O_DIRECT | O_CLOEXEC));
    if (!file) return errno;
    void* const buffer = ::mmap(nullptr, kAtOnce, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(buffer != MAP_FAILED);
    int error = 0;
    for (size_t offset = 0; offset < kBigFile && error == 0; offset += kAtOnce) {
      if (::pread(file.get(), buffer, kAtOnce, static_cast<off_t>(offset)) < 0) error = errno;
    }
    ::munmap(buffer, kAtOnce);
    return error;
  }
  void RequireSmallFilesServed() const {
    ForgetCaches();
    CHECK(shop.Read(mount() + "/usr/bin/tool") == std::string(20000, 't'));
    CHECK(shop.Read(mount() + "/usr/bin/other") == std::string(9000, 'o'));
  }
  void RequireBigFileServed() const {
    ForgetCaches();
    CHECK(ReadBig() == 0);
    CHECK(shop.Read(mount() + "/big") == AsText(Pattern(kBigFile, 1)));
  }
};

// A process that can get no more data than it has, for as long as this lives.
class NoMoreMemory {
 public:
  explicit NoMoreMemory(pid_t process) : process_(process) {
    REQUIRE(::prlimit(process_, RLIMIT_DATA, nullptr, &before_) == 0);
    const rlimit none{4096, before_.rlim_max};
    REQUIRE(::prlimit(process_, RLIMIT_DATA, &none, nullptr) == 0);
  }
  ~NoMoreMemory() { ::prlimit(process_, RLIMIT_DATA, &before_, nullptr); }
  NoMoreMemory(const NoMoreMemory&) = delete;
  NoMoreMemory& operator=(const NoMoreMemory&) = delete;

 private:
  pid_t process_;
  rlimit before_{};
};

TEST_CASE(
    "a request for which a worker has no memory gets ENOMEM; others are answered, and the worker stays") {
  if (fuse::kSanitized) return;  // which have no limit
  const LimitedMount store;
  store.Json({"activate"});
  const std::vector<std::string> argv = {VENEER_PROGRAM, "--store", store.path(), "mount",
                                         "--threads",    "2",       store.mount()};
  // As little as it takes to read a small file.
  const auto least = LowestLimit("data", [&](const MemoryLimit& limit) {
    if (RunLimited(limit, argv).status != 0) return false;
    const bool served = store.shop.Read(store.mount() + "/usr/bin/tool").size() == 20000;
    const bool steady = store.Status().at("counters").at("worker_deaths") == 0;
    store.Json({"umount", store.mount()});
    return served && steady;
  });
  REQUIRE(RunLimited(least, argv).status == 0);
  const pid_t worker = store.Worker();
  store.RequireSmallFilesServed();
  CHECK(store.ReadBig() == ENOMEM);
  CHECK(store.Failures("no-memory") > 0);
  store.RequireSmallFilesServed();
  CHECK(store.ReadBig() == ENOMEM);
  CHECK(store.Worker() == worker);
  CHECK(store.Status().at("counters").at("worker_deaths") == 0);
  for (const char* kind : {"corrupt", "io", "no-worker", "other"}) CHECK(store.Failures(kind) == 0);
  store.Json({"umount", store.mount()});
  store.Json({"mount", store.mount()});
  store.RequireBigFileServed();
}

TEST_CASE("a supervisor that can have no more memory answers, and has another worker for one that dies") {
  if (fuse::kSanitized) return;
  const LimitedMount store;
  store.Json({"activate"});
  store.Json({"mount", store.mount()});
  const pid_t supervisor = store.Supervisor();
  const auto generation = store.Status().at("generation");
  {
    const NoMoreMemory limit(supervisor);
    for (int i = 0; i < 3; ++i) {
      KillWorker([&] { return store.Worker(); });
      store.RequireSmallFilesServed();
    }
    store.RequireBigFileServed();
    // For a switch it has to open the catalog, for which there may be room left in what it has.
    const CommandResult reverted = store.Run({"revert"});
    if (reverted.status != 0) RequireOutOfMemory(reverted, "revert");
    CHECK(store.Supervisor() == supervisor);
    CHECK((store.Status().at("generation") == generation) == (reverted.status != 0));
    store.RequireSmallFilesServed();
  }
  store.Json({"revert", "--to", "1"});
  CHECK(store.Supervisor() == supervisor);
  CHECK_FALSE(stdfs::exists(store.mount() + "/big"));
}

TEST_CASE("a mount that may have little memory says that it is out, or serves as far as that goes") {
  if (fuse::kSanitized) return;
  const LimitedMount store;
  store.Json({"activate"});
  const std::string resource = GENERATE(as<std::string>{}, "as", "data");
  const std::vector<std::string> argv = {VENEER_PROGRAM, "--store", store.path(), "mount",
                                         "--threads",    "4",       store.mount()};
  const auto works = [&](const MemoryLimit& limit) {
    const bool mounted = RunLimited(limit, argv).status == 0;
    if (mounted) store.Json({"umount", store.mount()});
    return mounted;
  };
  int refused = 0;
  for (const MemoryLimit& limit : FallingLimits(resource, 24, works)) {
    INFO("--" << limit.resource << "=" << limit.bytes);
    const CommandResult mounted = RunLimited(limit, argv);
    if (mounted.status != 0) {
      ++refused;
      RequireOutOfMemory(mounted, "mount", "Resource temporarily unavailable");
      CHECK(store.Json({"status"}).at("mounts").empty());
      CHECK(stdfs::is_empty(store.mount()));
      continue;
    }
    const int error = store.ReadBig();
    CHECK((error == 0 || error == ENOMEM || error == EIO));
    store.Json({"umount", store.mount()});
  }
  CHECK(refused > 0);
  store.Json({"mount", store.mount()});
  store.RequireBigFileServed();
}

}  // namespace
}  // namespace veneer::test
