// A disk under one layer that hangs: it gives neither bytes nor errors.
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <optional>
#include <thread>
#include <vector>

#include "fs/base/unique_fd.h"
#include "tests/mount/damage.h"
#include "tests/mount/switch_rig.h"
#include "tests/support/process.h"
#include "tests/support/until.h"

namespace veneer::test {
namespace {

namespace stdfs = std::filesystem;

// More than there are threads that serve.
constexpr size_t kReaders = 20;

// The file of one layer of a store, on a mount of its own, which hangs when its worker is stopped.
class Disk {
 public:
  Disk(const SwitchRig& rig, int tree) : folder_(rig.root() + "/disk"), store_(rig.root() + "/disk-store") {
    const std::string layer = rig.StackOf(tree).back() + ".layer";
    const std::string root = rig.root() + "/disk-tree";
    stdfs::create_directories(root);
    stdfs::create_directories(folder_);
    stdfs::copy_file(rig.store() + "/layers/" + layer, root + "/" + layer);
    const std::string keys = rig.root() + "/keys";
    VeneerJson({"seal", root, "-o", rig.root() + "/disk.layer", "--id", "disk", "--version", "1", "--key",
                keys + "/signer.key", "--cert", keys + "/signer.pem"});
    VeneerJson({"--store", store_, "init", "--trust", rig.store() + "/trust"});
    VeneerJson({"--store", store_, "install", rig.root() + "/disk.layer", "--activate"});
    VeneerJson({"--store", store_, "mount", folder_});
    worker_ = VeneerJson({"--store", store_, "status"}).at("mounts").at(0).at("worker_pid");
    place_ = rig.store() + "/layers/" + layer;
    REQUIRE(::mount((folder_ + "/" + layer).c_str(), place_.c_str(), nullptr, MS_BIND, nullptr) == 0);
  }
  ~Disk() {
    GoOn();
    ::umount2(place_.c_str(), MNT_DETACH);
    ::umount2(folder_.c_str(), MNT_DETACH);
  }
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;

  void Hang() const { Stop(worker_); }
  void GoOn() const { ::kill(worker_, SIGCONT); }

 private:
  std::string folder_;
  std::string store_;
  std::string place_;
  pid_t worker_ = 0;
};

std::string FileName(size_t i) {
  return "f" + std::to_string(i);
}

void WriteFile(const std::string& path, const std::string& word) {
  std::ofstream file(path);
  for (int line = 0; line < 20'000; ++line) file << word << line << '\n';
}

// Files of many blocks, so that none of their content is read with their inodes. The first kReaders are of
// the patch, the next one is the base's.
void MakeTrees(const std::string& root) {
  stdfs::create_directories(root + "/t0");
  for (size_t i = 0; i <= kReaders; ++i) WriteFile(root + "/t0/" + FileName(i), "old");
  for (const char* tree : {"/t1", "/t2"})  // with their times: what differs is in the patch
    REQUIRE(RunCommand({"cp", "-a", root + "/t0", root + tree}).status == 0);
  for (size_t i = 0; i < kReaders; ++i) {
    WriteFile(root + "/t1/" + FileName(i), "new");
    WriteFile(root + "/t2/" + FileName(i), "newer");
  }
}

TEST_CASE("a disk that hangs under one layer holds up who reads from that, and nobody else") {
  const SwitchRig rig(0, MakeTrees);
  std::optional<Disk> disk(std::in_place, rig, 1);
  rig.SwitchByProgram(1);
  stdfs::create_directories(rig.mount(0));
  rig.Run({"mount", rig.mount(0)});
  std::atomic<size_t> read{0};
  {
    std::vector<UniqueFd> files;
    for (size_t i = 0; i <= kReaders; ++i)
      files.emplace_back(::open((rig.mount(0) + "/" + FileName(i)).c_str(), O_RDONLY | O_CLOEXEC));
    ForgetCaches();
    disk->Hang();
    std::vector<std::jthread> readers;
    for (size_t i = 0; i < kReaders; ++i) {
      readers.emplace_back([&, fd = files[i].get()] {
        char byte = 0;
        if (::pread(fd, &byte, 1, 0) == 1) ++read;
      });
    }
    std::atomic<int> got{-1};
    std::jthread other([&] {
      // Until the others are under way it proves nothing.
      for (int i = 0; i < 50; ++i) {
        ForgetCaches();
        char byte = 0;
        got = static_cast<int>(::pread(files.back().get(), &byte, 1, 0));
      }
      got = 2;
    });
    CHECK(Await([&] { return got == 2; }));
    CHECK(read == 0);
    disk->GoOn();
  }
  CHECK(read == kReaders);
  rig.Run({"umount", rig.mount(0)});
}

}  // namespace
}  // namespace veneer::test
