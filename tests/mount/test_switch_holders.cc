// What processes hold of a mount keeps what it had, through many switches: open files, mappings, working
// folders, running programs, and mounts below.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include "fs/base/unique_fd.h"
#include "fs/fuse/mount_table.h"
#include "tests/mount/program_trees.h"
#include "tests/mount/switch_rig.h"

namespace veneer::test {
namespace {

namespace stdfs = std::filesystem;

constexpr int kWay[] = {1, 2, 1, 2, 0, 2, 0, 1, 0};  // every step from one tree to another

std::string ReadFd(int fd) {
  std::string content(1 << 20, '\0');
  const ssize_t n = ::pread(fd, content.data(), content.size(), 0);
  REQUIRE(n >= 0);
  content.resize(static_cast<size_t>(n));
  return content;
}

// The content of `path` seen from the folder `at`; the errno as "errno N" where it cannot be opened.
std::string ReadAt(int at, const std::string& path) {
  const UniqueFd fd(::openat(at, path.c_str(), O_RDONLY | O_CLOEXEC));
  return fd ? ReadFd(fd.get()) : fmt::format("errno {}", errno);
}

std::string TextOf(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// data/big held open and mapped both ways.
class HeldFile {
 public:
  HeldFile(const std::string& mount, int tree)
      : content_(BigContent(tree)), fd_(::open((mount + "/data/big").c_str(), O_RDONLY | O_CLOEXEC)) {
    REQUIRE(fd_);
    shared_ = ::mmap(nullptr, content_.size(), PROT_READ, MAP_SHARED, fd_.get(), 0);
    private_ = ::mmap(nullptr, content_.size(), PROT_READ, MAP_PRIVATE, fd_.get(), 0);
    REQUIRE(shared_ != MAP_FAILED);
    REQUIRE(private_ != MAP_FAILED);
  }
  ~HeldFile() {
    ::munmap(shared_, content_.size());
    ::munmap(private_, content_.size());
  }
  HeldFile(const HeldFile&) = delete;
  HeldFile& operator=(const HeldFile&) = delete;

  // `drop`: what the kernel has cached of it is thrown away first, so that the server is asked again.
  bool IsWhole(bool drop) const {
    if (drop) {
      ::madvise(shared_, content_.size(), MADV_DONTNEED);
      ::madvise(private_, content_.size(), MADV_DONTNEED);
      ::posix_fadvise(fd_.get(), 0, 0, POSIX_FADV_DONTNEED);
    }
    const auto text = [this](const void* at) {
      return std::string_view(static_cast<const char*>(at), content_.size());
    };
    return text(shared_) == content_ && text(private_) == content_ && ReadFd(fd_.get()) == content_;
  }

 private:
  std::string content_;
  UniqueFd fd_;
  void* shared_ = nullptr;
  void* private_ = nullptr;
};

TEST_CASE("open files and mappings keep their generation's bytes, and new ones get the new") {
  const SwitchRig rig(1, MakeProgramTrees);
  Switcher switcher(rig);
  std::vector<std::unique_ptr<HeldFile>> held;
  held.push_back(std::make_unique<HeldFile>(rig.mount(0), 0));
  for (int round = 0; round < 6; ++round) {
    for (const int tree : kWay) {
      switcher.SwitchTo(tree);
      CHECK(ReadAt(AT_FDCWD, rig.mount(0) + "/data/big") == BigContent(tree));
      for (const auto& one : held) CHECK(one->IsWhole(round % 2 == 0));
      if (round < 2) held.push_back(std::make_unique<HeldFile>(rig.mount(0), tree));
    }
  }
}

UniqueFd OpenFolder(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  REQUIRE(fd);
  return fd;
}

const std::string kAbsent = fmt::format("errno {}", ENOENT);

TEST_CASE("a working folder follows where it stays, and keeps what it had while it is away") {
  const SwitchRig rig(1, MakeProgramTrees);
  const std::string mount = rig.mount(0);
  Switcher switcher(rig);
  const UniqueFd merges = OpenFolder(mount + "/merges");
  const std::string before = stdfs::current_path();
  REQUIRE(::chdir((mount + "/gone").c_str()) == 0);
  switcher.SwitchTo(1);
  const UniqueFd fresh = OpenFolder(mount + "/new");  // not in the first tree
  std::string last = "tree 1 new/file\n";
  for (int round = 0; round < 6; ++round) {
    for (const int tree : {0, 2, 0, 1, 2, 1, 0, 2, 1}) {
      switcher.SwitchTo(tree);
      INFO("tree " << tree);
      const auto text = [&](const char* path) { return fmt::format("tree {} {}\n", tree, path); };
      CHECK(ReadAt(merges.get(), "other") == (tree == 0 ? kAbsent : text("merges/other")));
      CHECK(ReadAt(merges.get(), "same") == "tree 0 merges/same\n");
      CHECK(ReadAt(AT_FDCWD, "file") == "tree 0 gone/file\n");
      CHECK(ReadAt(AT_FDCWD, "late") == kAbsent);
      CHECK(ReadAt(AT_FDCWD, mount + "/gone/file") == (tree == 1 ? kAbsent : text("gone/file")));
      if (tree == 0) CHECK(stdfs::current_path() == mount + "/gone");  // found again by that look-up
      if (tree != 0) last = text("new/file");
      CHECK(ReadAt(fresh.get(), "file") == last);
      // What is looked for in a folder that is away must not be believed to be missing when it comes back.
      const bool late = ::faccessat(fresh.get(), "late", F_OK, 0) == 0;
      if (tree != 0) CHECK(late == (tree == 2));
      CHECK((::access((mount + "/new/late").c_str(), F_OK) == 0) == (tree == 2));
    }
  }
  REQUIRE(::chdir(before.c_str()) == 0);
}

// bin/prog, run from the mount.
class Running {
 public:
  Running(const SwitchRig& rig, const std::string& name)
      : in_path_(rig.root() + "/" + name + ".in"), out_path_(rig.root() + "/" + name + ".out") {
    REQUIRE(::mkfifo(in_path_.c_str(), 0600) == 0);
    REQUIRE(::mkfifo(out_path_.c_str(), 0600) == 0);
    in_ = UniqueFd(::open(in_path_.c_str(), O_RDWR | O_CLOEXEC));
    out_ = UniqueFd(::open(out_path_.c_str(), O_RDWR | O_CLOEXEC));
    command_.emplace(std::vector<std::string>{rig.mount(0) + "/bin/prog", in_path_, out_path_});
    Ask();
  }

  // The tree of its library.
  int Ask() {
    REQUIRE(::write(in_.get(), "?", 1) == 1);
    char answer[64] = {};
    REQUIRE(::read(out_.get(), answer, sizeof answer - 1) > 0);
    int tree = 0;
    REQUIRE(std::sscanf(answer, "%d %d", &tree, &pid_) == 2);
    return tree;
  }

  // Whether needrestart and its like would find it to run with something replaced, by that name.
  bool HoldsDeleted(const std::string& name) const {
    std::ifstream maps(fmt::format("/proc/{}/maps", pid_));
    bool found = false;
    for (std::string line; std::getline(maps, line);) {
      if (line.find(name) == std::string::npos) continue;
      found = true;
      if (line.ends_with(" (deleted)")) return true;
    }
    REQUIRE(found);
    return false;
  }

 private:
  std::string in_path_;
  std::string out_path_;
  UniqueFd in_;
  UniqueFd out_;
  int pid_ = 0;
  std::optional<Command> command_;
};

TEST_CASE("a library that is replaced shows as deleted where it is mapped, and programs run on") {
  const SwitchRig rig(1, MakeProgramTrees);
  Running first(rig, "first");
  CHECK(first.Ask() == 0);
  CHECK_FALSE(first.HoldsDeleted("libgen.so"));
  rig.SwitchByProgram(1);
  CHECK(first.HoldsDeleted("libgen.so"));
  CHECK_FALSE(first.HoldsDeleted("bin/prog"));
  CHECK(first.Ask() == 0);
  Running second(rig, "second");
  CHECK(second.Ask() == 1);
  CHECK_FALSE(second.HoldsDeleted("libgen.so"));
  rig.SwitchByProgram(2);
  CHECK(second.HoldsDeleted("libgen.so"));
  CHECK(second.HoldsDeleted("bin/prog"));
  Running third(rig, "third");
  CHECK(third.Ask() == 2);
  rig.SwitchByProgram(0);
  CHECK(third.HoldsDeleted("libgen.so"));
  CHECK(third.HoldsDeleted("bin/prog"));
  Running fourth(rig, "fourth");
  CHECK_FALSE(fourth.HoldsDeleted("libgen.so"));
  CHECK(std::vector{first.Ask(), second.Ask(), third.Ask(), fourth.Ask()} == std::vector{0, 1, 2, 0});
}

// Something mounted for as long as this lives.
class Mounted {
 public:
  Mounted(const std::string& source, const std::string& target, const char* type, unsigned long flags = 0)
      : target_(target) {
    REQUIRE(::mount(source.c_str(), target.c_str(), type, flags, nullptr) == 0);
  }
  ~Mounted() { ::umount2(target_.c_str(), MNT_DETACH); }
  Mounted(const Mounted&) = delete;
  Mounted& operator=(const Mounted&) = delete;

 private:
  std::string target_;
};

size_t MountsAt(const std::string& target) {
  const auto table = fuse::ReadMountTable();
  REQUIRE_OK(table);
  size_t count = 0;
  for (const auto& entry : *table) {
    if (entry.target == target) ++count;
  }
  return count;
}

TEST_CASE("what is mounted over folders of the mount lives on, those that merge and unmerge too") {
  const SwitchRig rig(1, MakeProgramTrees);
  const std::string mount = rig.mount(0);
  stdfs::create_directories(rig.root() + "/elsewhere");
  std::ofstream(rig.root() + "/elsewhere/here") << "bound";
  const Mounted plain("tmpfs", mount + "/plain", "tmpfs");
  const Mounted merging("proc", mount + "/merges", "proc");
  const Mounted bound(rig.root() + "/elsewhere", mount + "/attributes", nullptr, MS_BIND);
  std::ofstream(mount + "/plain/kept") << "kept";
  Switcher switcher(rig);
  for (int round = 0; round < 6; ++round) {
    for (const int tree : kWay) {
      switcher.SwitchTo(tree);
      CHECK(TextOf(mount + "/plain/kept") == "kept");
      CHECK(TextOf(mount + "/attributes/here") == "bound");
      CHECK(stdfs::exists(mount + "/merges/self/maps"));
      CHECK(TextOf(mount + "/data/big") == BigContent(tree));
    }
  }
  CHECK(MountsAt(mount + "/plain") == 1);
}

TEST_CASE("what is mounted on a path that changes is listed before it goes, whichever way leads there") {
  const SwitchRig rig(1, MakeProgramTrees);
  const std::string mount = rig.mount(0);
  stdfs::create_directories(rig.root() + "/elsewhere");
  std::ofstream(rig.root() + "/cover") << "cover";
  const Mounted over_file(rig.root() + "/cover", mount + "/data/big", nullptr, MS_BIND);
  const Mounted over_kept("tmpfs", mount + "/plain", "tmpfs");
  const Mounted part(mount + "/gone", rig.root() + "/elsewhere", nullptr, MS_BIND);
  const Mounted in_part(rig.root() + "/cover", rig.root() + "/elsewhere/file", nullptr, MS_BIND);
  const auto listed = [&](const nlohmann::json& json) {
    std::string all;
    for (const auto& hazard : json.at("hazards")) {
      CHECK(hazard.at("refuses") == false);
      all += std::string(hazard.at("text")) + "\n";
    }
    CHECK(json.at("hazards").size() == 2);
    CHECK(all.find(mount + "/data/big goes with /data/big, which changes") != std::string::npos);
    CHECK(all.find(rig.root() + "/elsewhere/file goes with /gone, which changes") != std::string::npos);
  };
  listed(rig.Json({"activate", "--dry-run", "p"}));
  CHECK(rig.Try({"activate", "--dry-run", "p"}).out.find("warning: ") != std::string::npos);
  CHECK(MountsAt(mount + "/data/big") == 1);
  CHECK(rig.TreeOnRecord() == 0);
  listed(rig.Json({"activate", "p"}));
  CHECK(MountsAt(mount + "/data/big") == 0);
  CHECK(MountsAt(rig.root() + "/elsewhere/file") == 0);
  CHECK(MountsAt(mount + "/plain") == 1);
  CHECK(TextOf(mount + "/data/big") == BigContent(1));
}

}  // namespace
}  // namespace veneer::test
