// A disk under one layer that hangs: it gives neither bytes nor errors.
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
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

constexpr const char* kXattr = "user.own";

bool AskXattr(int file) {
  char value[8];
  return ::fgetxattr(file, kXattr, value, sizeof value) > 0;
}

bool AskXattrs(int file) {
  char names[256];
  return ::flistxattr(file, names, sizeof names) > 0;
}

// Of the server, whatever the kernel has.
bool AskAttributes(int file) {
  struct statx attributes {};
  return ::statx(file, "", AT_EMPTY_PATH | AT_STATX_FORCE_SYNC, STATX_BASIC_STATS, &attributes) == 0;
}

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

void MakeTreesWithXattrs(const std::string& root) {
  MakeTrees(root);
  for (const char* tree : {"/t0", "/t1", "/t2"}) {
    for (size_t i = 0; i <= kReaders; ++i)
      REQUIRE(::setxattr((root + tree + "/" + FileName(i)).c_str(), kXattr, "own", 3, 0) == 0);
  }
}

// What the kernel tells of its FUSE connections.
class Connections {
 public:
  explicit Connections(const SwitchRig& rig) : folder_(rig.root() + "/connections") {
    stdfs::create_directories(folder_);
    REQUIRE(::mount("none", folder_.c_str(), "fusectl", 0, nullptr) == 0);
  }
  ~Connections() { ::umount2(folder_.c_str(), MNT_DETACH); }
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;

  // How many requests of a mount with this st_dev wait for their answers.
  size_t CountWaiting(dev_t device) const {
    size_t waiting = 0;
    std::ifstream(folder_ + "/" + std::to_string(minor(device)) + "/waiting") >> waiting;
    return waiting;
  }

 private:
  std::string folder_;
};

// Requests are read in the order in which they come: the one that is answered last came after the others.
TEST_CASE("who asks for xattrs and attributes of a layer whose disk hangs holds up nobody else") {
  const auto ask = GENERATE(AskXattr, AskXattrs, AskAttributes);
  const SwitchRig rig(0, MakeTreesWithXattrs);
  const Connections connections(rig);
  std::optional<Disk> disk(std::in_place, rig, 1);
  rig.SwitchByProgram(1);
  stdfs::create_directories(rig.mount(0));
  rig.Run({"mount", "--cache", "0", rig.mount(0)});  // it asks the disk each time
  std::atomic<size_t> told{0};
  {
    std::vector<UniqueFd> files;
    for (size_t i = 0; i <= kReaders; ++i)
      files.emplace_back(::open((rig.mount(0) + "/" + FileName(i)).c_str(), O_RDONLY | O_CLOEXEC));
    const dev_t device = rig.Status(0).at("device");
    ForgetCaches();
    disk->Hang();
    std::vector<std::jthread> askers;
    for (size_t i = 0; i < kReaders; ++i) {
      askers.emplace_back([&, fd = files[i].get()] {
        if (ask(fd)) ++told;
      });
    }
    CHECK(Await([&] { return connections.CountWaiting(device) == kReaders; }));
    std::atomic<int> others{0};
    std::jthread other([&] {
      char byte = 0;
      if (::pread(files.back().get(), &byte, 1, 0) == 1) ++others;
      if (ask(files.back().get())) ++others;
    });
    CHECK(Await([&] { return others == 2; }));
    CHECK(told == 0);
    disk->GoOn();
  }
  CHECK(told == kReaders);
  rig.Run({"umount", rig.mount(0)});
}

}  // namespace
}  // namespace veneer::test
