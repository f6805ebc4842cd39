// Disks, files and limits that fail under a mount: it serves what it can, and says what it cannot.
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <vector>

#include "fs/base/unique_fd.h"
#include "fs/catalog/catalog.h"
#include "fs/catalog/catalog_lock.h"
#include "fs/fuse/sanitizers.h"
#include "tests/support/process.h"
#include "tests/support/watchdog.h"
#include "tests/tools/error_pipe.h"
#include "tests/tools/forge.h"
#include "tests/tools/policy_store.h"

namespace veneer::test {
namespace {

namespace stdfs = std::filesystem;

constexpr size_t kBigFile = 64 << 20;

std::string Noise(size_t size) {
  std::mt19937_64 random(1);
  std::string noise(size, '\0');
  std::generate(noise.begin(), noise.end(), [&] { return static_cast<char>(random()); });
  return noise;
}

// A base and two patches, "lib" and "net", of a small file each; all are current. "lib" also has a file that
// is not within a block that has been read already when the mount begins to serve.
class FaultyStore : public PolicyStore {
 public:
  FaultyStore() {
    stdfs::create_directories(shop / "tree/usr/lib");
    shop.Write("tree/usr/lib/data", Noise(50000));
    lib = Install(Patch("l", "lib", 1));
    stdfs::remove_all(shop / "tree/usr/lib");
    net = Install(Patch("n", "net", 1));
    Json({"activate"});
    stdfs::create_directories(mount());
  }
  ~FaultyStore() {
    ::umount2(mount().c_str(), MNT_DETACH);
    for (const std::string& id : {lib, net}) ::umount2(Layer(id).c_str(), MNT_DETACH);
  }
  FaultyStore(const FaultyStore&) = delete;
  FaultyStore& operator=(const FaultyStore&) = delete;

  std::string mount() const { return shop / "mnt"; }
  std::string Layer(const std::string& id) const { return path() + "/layers/" + id + ".layer"; }

  // What is not in any cache of the kernel's.
  static void ForgetCaches() { std::ofstream("/proc/sys/vm/drop_caches") << 3; }

  // The errno of reading a file of the mount to its end; 0 if that goes well.
  int ReadError(const std::string& name) const {
    const UniqueFd file(::open((mount() + "/" + name).c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return errno;
    char buffer[4096];
    for (;;) {
      const ssize_t n = ::read(file.get(), buffer, sizeof buffer);
      if (n <= 0) return n == 0 ? 0 : errno;
    }
  }

  void RequireBaseServed() const {
    CHECK(ReadFile(mount() + "/usr/bin/other") == std::string(9000, 'o'));
    CHECK(ReadError("usr/bin/tool") == 0);
  }

  // Returns when the next one serves.
  void KillWorker() const {
    test::KillWorker([&]() -> pid_t {  // also where status finds something damaged
      return nlohmann::json::parse(Run({"--json", "status"}).out).at("mounts").at(0).at("worker_pid");
    });
  }

  std::string lib, net;  // their ids
};

TEST_CASE("a layer file cut short under a mount is an error where it ends, and the rest is served") {
  const FaultyStore store;
  store.Json({"mount", store.mount()});
  const std::string file = store.Layer(store.lib);
  stdfs::resize_file(file, 0);
  FaultyStore::ForgetCaches();
  CHECK(store.ReadError("usr/lib/data") == EIO);
  CHECK(ReadFile(store.mount() + "/usr/lib/net") == "n");
  store.RequireBaseServed();
  CHECK(store.Json({"scan"}, 3).at("findings").size() == 1);
  // Put in place again, it is another file: the mount takes it up with the next switch to it.
  CHECK(store.Json({"install", store.shop / "l.layer"}).at("installed").at(0).at("repaired") == true);
  CHECK(store.Json({"scan"}).at("findings").empty());
  store.Json({"umount", store.mount()});
  store.Json({"mount", store.mount()});
  CHECK(ReadFile(store.mount() + "/usr/lib/data") == Noise(50000));
}

TEST_CASE(
    "a layer file replaced or removed under a mount is served on as it was, and missed by the next mount") {
  const FaultyStore store;
  const std::string file = store.Layer(store.lib);
  const bool removed = GENERATE(false, true);
  store.Json({"mount", store.mount()});
  const pid_t worker = store.Json({"status"}).at("mounts").at(0).at("worker_pid");
  if (removed) {
    stdfs::remove(file);
  } else {
    stdfs::copy_file(store.Layer(store.net), store.shop / "another");
    stdfs::rename(store.shop / "another", file);
  }
  FaultyStore::ForgetCaches();
  CHECK(ReadFile(store.mount() + "/usr/lib/data") == Noise(50000));
  // Another worker gets the same descriptors.
  REQUIRE(::kill(worker, SIGKILL) == 0);
  FaultyStore::ForgetCaches();
  CHECK(ReadFile(store.mount() + "/usr/lib/data") == Noise(50000));
  store.RequireBaseServed();
  CHECK(store.Json({"scan"}, 3).at("findings").size() == 1);
  store.Json({"umount", store.mount()});
  RequireErrorLine(store.Run({"mount", store.mount()}), 3, "mount",
                   {removed ? "install FILE" : "repair-catalog"});
  store.Json({"install", store.shop / "l.layer"});
  store.Json({"mount", store.mount()});
  CHECK(ReadFile(store.mount() + "/usr/lib/data") == Noise(50000));
}

// The layer's file lies on another mount of the program's, whose supervisor then dies: the kernel answers
// every read with an error, as for a disk that is gone.
TEST_CASE("a dead disk under one layer does not take the others down") {
  const FaultyStore store;
  const std::string disk = store.shop / "disk";
  const std::string tree = store.shop / "disk-tree";
  const std::string other = store.shop / "disk-store";
  stdfs::create_directories(disk);
  stdfs::create_directories(tree);
  stdfs::copy_file(store.shop / "l.layer", tree + "/l.layer");
  VeneerJson({"seal", tree, "-o", store.shop / "disk.layer", "--id", "disk", "--version", "1", "--key",
              store.shop.key(), "--cert", store.shop.certificate()});
  VeneerJson({"--store", other, "init", "--trust", store.shop.trust()});
  VeneerJson({"--store", other, "install", store.shop / "disk.layer", "--activate"});
  VeneerJson({"--store", other, "mount", disk});
  REQUIRE(::mount((disk + "/l.layer").c_str(), store.Layer(store.lib).c_str(), nullptr, MS_BIND, nullptr) ==
          0);
  store.Json({"mount", store.mount()});
  CHECK(ReadFile(store.mount() + "/usr/lib/lib") == "l");

  const auto server = VeneerJson({"--store", other, "status"}).at("mounts").at(0);
  KillEach({server.at("guardian_pid"), server.at("supervisor_pid")});
  FaultyStore::ForgetCaches();
  const auto require_others_served = [&] {
    FaultyStore::ForgetCaches();
    CHECK(store.ReadError("usr/lib/data") == EIO);
    CHECK(ReadFile(store.mount() + "/usr/lib/net") == "n");
    store.RequireBaseServed();
  };
  require_others_served();
  // Nor does the next worker need it to know what there is.
  store.KillWorker();
  require_others_served();
  CHECK(RunCommand({"ls", store.mount() + "/usr/lib"}).out == "data\nlib\nnet\n");
  // Nor does the next supervisor.
  store.Json({"reload", store.mount()});
  require_others_served();
  ::umount2(disk.c_str(), MNT_DETACH);

  // The owner gets out of it live.
  CHECK(store.Run({"status"}).status != 0);
  store.Json({"revert", "--to", "1"});
  CHECK(store.ReadError("usr/lib/lib") == ENOENT);
  store.RequireBaseServed();
}

TEST_CASE("a mount serves on over a catalog that is damaged or gone; a new one says why it will not") {
  const FaultyStore store;
  const std::string catalog = store.path() + "/catalog";
  const auto damage = [&](const std::string& part) {
    if (part == "all") return stdfs::remove_all(catalog) > 0;
    if (part.starts_with("LOCK as ")) {
      stdfs::rename(catalog + "/LOCK", catalog + "/was");
      if (part == "LOCK as a folder") return stdfs::create_directory(catalog + "/LOCK");
      return ::symlink("was", (catalog + "/LOCK").c_str()) == 0;
    }
    bool done = false;
    for (const auto& entry : stdfs::directory_iterator(catalog)) {
      const std::string name = entry.path().filename();
      if (!name.starts_with(part) && !name.ends_with(part)) continue;
      // Of a log, a commit that cannot be read, and the beginning of another behind it.
      const std::string bytes = part == ".log" ? "xxxxxxx" + std::string("\x05+(C\0\0\1", 7)
                                               : std::string(stdfs::file_size(entry.path()), 'x');
      std::ofstream(entry.path(), std::ios::binary) << bytes;
      done = true;
    }
    return done;
  };
  const std::string part = GENERATE(as<std::string>{}, "all", "CURRENT", "MANIFEST-", ".sst", ".log",
                                    "LOCK as a folder", "LOCK as a symlink");
  INFO(part);
  store.Json({"mount", store.mount()});
  REQUIRE(damage(part));
  FaultyStore::ForgetCaches();
  store.RequireBaseServed();
  CHECK(ReadFile(store.mount() + "/usr/lib/lib") == "l");
  const int status = part == "all" ? 1 : 3;
  RequireErrorLine(store.Run({"status"}), status, "status", {"repair-catalog"});
  RequireErrorLine(store.Run({"activate"}), status, "activate", {"repair-catalog"});
  RequireErrorLine(store.Run({"gc"}), status, "gc", {"repair-catalog"});
  const bool can_lock = part != "all" && !part.starts_with("LOCK");  // a reload needs no more than that
  const CommandResult reloaded = store.Run({"reload"});
  if (can_lock) {
    CHECK(reloaded.status == 0);
  } else {
    RequireErrorLine(reloaded, status, "reload", {"repair-catalog"});
  }
  stdfs::create_directories(store.shop / "second");
  RequireErrorLine(store.Run({"mount", store.shop / "second"}), status, "mount", {"repair-catalog"});
  CHECK(stdfs::is_empty(store.shop / "second"));
  RequireErrorLine(store.Run({"repair-catalog"}), 5, "repair-catalog", {"umount"});

  store.Json({"umount", store.mount()});
  CHECK(store.Json({"repair-catalog"}).at("layers").size() == 3);
  store.Json({"mount", store.mount()});
  store.RequireBaseServed();
  CHECK(ReadFile(store.mount() + "/usr/lib/net") == "n");
}

TEST_CASE("no catalog is made anew under a mount whose server is gone, or that begins meanwhile") {
  const FaultyStore store;
  SECTION("killed") {
    store.Json({"mount", store.mount()});
    const auto server = store.Json({"status"}).at("mounts").at(0);
    KillEach({server.at("guardian_pid"), server.at("supervisor_pid")});
  }
  SECTION("begun while it waits for another change") {
    auto held = catalog::HoldCatalog(store.path() + "/catalog", std::chrono::seconds(10));
    REQUIRE_OK(held);
    ErrorPipe error;
    Command repair(VeneerCommand({"--store", store.path(), "repair-catalog"}), error.write());
    CHECK(error.ReadLine().find("waiting for it") != std::string::npos);
    store.Json({"mount", store.mount()});
    held->reset();
    CHECK(repair.Wait().status == 5);
  }
  RequireErrorLine(store.Run({"repair-catalog"}), 5, "repair-catalog", {"umount " + store.mount()});
  CHECK_FALSE(stdfs::exists(store.path() + "/catalog.new"));
  store.Json({"umount", "--lazy", store.mount()});
  CHECK(store.Json({"repair-catalog"}).at("stack_kept") == true);
}

TEST_CASE("what a catalog's log holds behind its last commit is no commit") {
  const FaultyStore store;
  const auto before = store.Json({"status"});
  int logs = 0;
  for (const auto& entry : stdfs::directory_iterator(store.path() + "/catalog")) {
    if (entry.path().extension() != ".log") continue;
    std::ofstream(entry.path(), std::ios::binary | std::ios::app) << std::string(5000, 'x');
    ++logs;
  }
  CHECK(logs > 0);
  CHECK(store.Json({"status"}) == before);
  store.Json({"revert", "--all"});
  CHECK(store.Current() == std::vector<std::string>{store.base});
}

TEST_CASE("repair-catalog takes up what is signed, whatever lies in the store and its old catalog") {
  const FaultyStore store;
  // What somebody left in the places where the new catalog is made and where layers lie; and the catalog of
  // another store, which calls other layers current.
  stdfs::create_directories(store.path() + "/catalog.new");
  WriteFile(store.path() + "/catalog.new/CURRENT", "MANIFEST-000001\n");
  WriteFile(store.path() + "/layers/" + std::string(64, 'a') + ".layer", "no layer");
  stdfs::copy_file(store.Layer(store.lib), store.path() + "/layers/" + std::string(64, 'b') + ".layer");
  CopyWithDamage(store.Layer(store.net), store.shop / "damaged",
                 stdfs::file_size(store.Layer(store.net)) - 200);
  stdfs::rename(store.shop / "damaged", store.Layer(store.net));
  const PolicyStore other;
  other.Install(other.Patch("o", "other", 1));
  other.Json({"activate"});
  stdfs::remove_all(store.path() + "/catalog");
  stdfs::copy(other.path() + "/catalog", store.path() + "/catalog", stdfs::copy_options::recursive);

  // Of the stack that it calls current, nothing is here.
  const auto repaired = store.Json({"repair-catalog"}, 3);
  CHECK(repaired.at("stack_kept") == false);
  CHECK(repaired.at("missing").size() == 2);
  CHECK(repaired.at("passed_over").size() == 3);
  CHECK(store.Current() == std::vector<std::string>{store.base, store.lib});
  CHECK(store.Json({"scan"}).at("findings").empty());
  CHECK_FALSE(stdfs::exists(store.path() + "/catalog.new"));
}

TEST_CASE("nobody waits for what lies in the place of a catalog's file, and repair-catalog mends it") {
  const Watchdog watchdog(100);
  const FaultyStore store;
  const std::string end = GENERATE(as<std::string>{}, ".sst", "MANIFEST-", "CURRENT");
  INFO(end);
  std::string replaced;
  for (const auto& entry : stdfs::directory_iterator(store.path() + "/catalog")) {
    const std::string name = entry.path().filename();
    if (name.ends_with(end) || name.starts_with(end)) replaced = entry.path();
  }
  stdfs::remove(replaced);
  REQUIRE(::mkfifo(replaced.c_str(), 0644) == 0);
  RequireErrorLine(store.Run({"status"}), 3, "status", {"repair-catalog"});
  RequireErrorLine(store.Run({"mount", store.mount()}), 3, "mount", {"repair-catalog"});
  RequireErrorLine(store.Run({"activate"}), 3, "activate", {"repair-catalog"});
  CHECK(store.Json({"repair-catalog"}).at("layers").size() == 3);
  store.Json({"mount", store.mount()});
  store.RequireBaseServed();
}

// Puts two more commits into the catalog as a killed command leaves them, in the log alone; returns the log's
// path.
std::string LeaveTwoCommitsInLog(const FaultyStore& store) {
  const std::string path = store.path() + "/catalog";
  const std::string copy = store.shop / "copy";
  {
    const auto catalog = catalog::Catalog::OpenForWriting(path, std::chrono::seconds(10));
    REQUIRE_OK(catalog);
    for (const char* text : {"one", "two"}) {
      catalog::Update update;
      update.AddEvent({0, 1700000000, "test", 0, "test", text});
      REQUIRE_OK((*catalog)->Commit(std::move(update)));
    }
    stdfs::copy(path, copy, stdfs::copy_options::recursive);
  }
  stdfs::remove_all(path);
  stdfs::rename(copy, path);
  std::string log;
  for (const auto& entry : stdfs::directory_iterator(path)) {
    if (entry.path().extension() == ".log" && entry.file_size() > 0) log = entry.path();
  }
  REQUIRE_FALSE(log.empty());
  return log;
}

TEST_CASE("what was reverted stays so when the catalog is made anew because of its log") {
  const Watchdog watchdog(100);
  const FaultyStore store;
  store.Json({"revert", "--all"});
  const std::string log = LeaveTwoCommitsInLog(store);
  CHECK(store.Json({"history"}).at("events").at(0).at("text") == "two");
  std::fstream(log, std::ios::in | std::ios::out | std::ios::binary).seekp(20).put('\xee');
  RequireErrorLine(store.Run({"status"}), 3, "status", {"repair-catalog"});
  const auto repaired = store.Json({"repair-catalog"});
  CHECK(repaired.at("stack_kept") == true);
  CHECK(repaired.at("stack_may_be_older") == true);
  CHECK(store.Current() == std::vector<std::string>{store.base});
  CHECK(store.Json({"list"}).at("layers").size() == 3);
}

TEST_CASE("endless files of a catalog are told at once, and repair-catalog passes over them") {
  const Watchdog watchdog(100);
  const FaultyStore store;
  const std::string part = GENERATE(as<std::string>{}, ".log", "MANIFEST-");
  for (const auto& entry : stdfs::directory_iterator(store.path() + "/catalog")) {
    const std::string name = entry.path().filename();
    if (name.ends_with(part) || name.starts_with(part)) stdfs::resize_file(entry.path(), uint64_t{1} << 40);
  }
  RequireErrorLine(store.Run({"status"}), 3, "status", {"repair-catalog"});
  CHECK(store.Json({"repair-catalog"}).at("layers").size() == 3);
  CHECK(store.Current().size() == 3);
}

TEST_CASE("64 descriptors are enough for a mount, its switches and every other command") {
  const FaultyStore store;
  const auto limited = [&](std::vector<std::string> words) {
    std::vector<std::string> argv = {"prlimit", "--nofile=64", VENEER_PROGRAM, "--store", store.path()};
    argv.insert(argv.end(), words.begin(), words.end());
    const CommandResult result = RunCommand(argv);
    INFO(words.front() << ": " << result.out << result.err);
    CHECK(result.status == 0);
  };
  limited({"mount", store.mount()});
  for (int i = 0; i < 40; ++i) limited({"revert"});
  limited({"install", store.Patch("m", "more", 1), "--activate"});
  CHECK(RunCommand({"cat", store.mount() + "/usr/lib/more"}).out == "m");
  limited({"revert", "more"});
  limited({"activate"});
  limited({"reload"});
  limited({"scan"});
  limited({"gc"});
  for (const char* verb : {"status", "ps", "history", "metrics", "list"}) limited({verb});
  limited({"why", "usr/lib/more"});
  limited({"diff", "1"});
  limited({"umount", store.mount()});
  limited({"repair-catalog"});
}

TEST_CASE("a mount of thirty layers serves all of them, or says that it may open too few files") {
  const FaultyStore store;
  std::vector<std::string> words = {"install", "--activate"};
  std::vector<std::string> components;
  for (int i = 0; i < 27; ++i) components.push_back("c" + std::to_string(i));
  for (const std::string& one : components) words.push_back(store.Patch(one, one, 1));
  store.Json(words);
  REQUIRE(store.Current().size() == 30);
  int served = 0;
  for (int limit = 32; limit <= 128; limit += 8) {
    const CommandResult mounted = RunCommand({"prlimit", "--nofile=" + std::to_string(limit), VENEER_PROGRAM,
                                              "--store", store.path(), "mount", store.mount()});
    INFO("limit " << limit << ": " << mounted.err);
    if (mounted.status != 0) {
      RequireError(mounted, 1, "mount", {"oo many open files"});
      continue;
    }
    ++served;
    for (const std::string& one : components) CHECK(ReadFile(store.mount() + "/usr/lib/" + one) == one);
    store.Json({"umount", store.mount()});
  }
  CHECK(served > 0);
}

TEST_CASE("a mount serves files far bigger than the memory that it may have") {
  if (fuse::kSanitized) return;  // which takes terabytes of addresses
  const FaultyStore store;
  store.shop.Write("tree/big", Noise(kBigFile));
  const std::string file = store.Base("2");
  store.Json({"install", file, "--activate"});
  // Three quarters of the file, stacks and cache included.
  const CommandResult mounted =
      RunCommand({"prlimit", "--data=" + std::to_string(kBigFile / 4 * 3), VENEER_PROGRAM, "--store",
                  store.path(), "mount", "--threads", "2", store.mount()});
  INFO(mounted.err);
  REQUIRE(mounted.status == 0);
  for (int i = 0; i < 3; ++i) {
    FaultyStore::ForgetCaches();
    CHECK(RunCommand({"cmp", store.shop / "tree/big", store.mount() + "/big"}).status == 0);
  }
  store.Json({"revert"});
  CHECK(ReadFile(store.mount() + "/usr/lib/lib") == "l");
}

}  // namespace
}  // namespace veneer::test
