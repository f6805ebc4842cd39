#include "tests/support/sample_tree.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <random>
#include <string_view>
#include <vector>

#include "fs/base/bytes.h"
#include "fs/base/endian.h"
#include "fs/base/unique_fd.h"
#include "fs/io/file_ops.h"
#include "tests/support/catch.h"
#include "tests/support/pattern.h"

namespace veneer::test {
namespace {

using namespace std::string_literals;

void Check(int result, const std::string& what) {
  INFO(what << ": " << std::strerror(errno));
  REQUIRE(result >= 0);
}

// An ACL as the kernel's xattr holds it: version 2, then tag, permissions and id of each entry.
std::string Acl(const std::vector<std::array<uint32_t, 3>>& entries) {
  std::string acl = "\x02\0\0\0"s;
  for (const auto& [tag, permissions, id] : entries) {
    const Le16 raw_tag = static_cast<uint16_t>(tag);
    const Le16 raw_permissions = static_cast<uint16_t>(permissions);
    const Le32 raw_id = id;
    acl.append(reinterpret_cast<const char*>(&raw_tag), 2);
    acl.append(reinterpret_cast<const char*>(&raw_permissions), 2);
    acl.append(reinterpret_cast<const char*>(&raw_id), 4);
  }
  return acl;
}

// rwx for the owner, r-x for user 1000 and the group, masked.
std::string SampleAcl() {
  constexpr uint32_t kNone = 0xFFFFFFFF;
  return Acl({{1, 7, kNone}, {2, 5, 1000}, {4, 5, kNone}, {16, 5, kNone}, {32, 0, kNone}});
}

// FNV-1a, the same on each machine.
uint64_t Hash(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : text) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3U;
  return hash;
}

struct Times {
  int64_t seconds;
  long nanoseconds;
};

class Maker {
 public:
  Maker(std::string root, const SampleTreeOptions& options)
      : root_(std::move(root)), options_(options), random_(options.order) {}

  void Make() {
    Check(::mkdir(root_.c_str(), 0755), root_);
    AddFiles();
    AddNames();
    AddLinks();
    AddModes();
    AddXattrs();
    AddTimes();
    AddBigFolder();
    if (options_.privileged) AddPrivileged();
    std::shuffle(steps_.begin(), steps_.end(), random_);
    for (const auto& step : steps_) step();
    for (const auto& step : last_steps_) step();
    SetTimes();
  }

 private:
  std::string At(const std::string& name) const { return root_ + '/' + name; }

  void Add(std::function<void()> step) { steps_.push_back(std::move(step)); }

  // Makes the folders above `name`.
  void Parents(const std::string& name) {
    const auto parent = std::filesystem::path(At(name)).parent_path();
    REQUIRE_OK(io::MakeFolders(parent));
  }

  void Write(const std::string& name, ByteSpan bytes, uint64_t offset = 0) {
    Parents(name);
    const UniqueFd fd(::open(At(name).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    Check(fd.get(), name);
    Check(static_cast<int>(::lseek(fd.get(), static_cast<off_t>(offset), SEEK_SET)), name);
    REQUIRE_OK(io::WriteAll(fd.get(), bytes, name));
  }

  void AddFile(const std::string& name, size_t size) {
    Add([=, this] { Write(name, Pattern(size, Hash(name) & 0xFFFF)); });
  }

  void AddFolder(const std::string& name) {
    Add([=, this] { REQUIRE_OK(io::MakeFolders(At(name))); });
  }

  void AddSymlink(const std::string& name, const std::string& target) {
    Add([=, this] {
      Parents(name);
      Check(::symlink(target.c_str(), At(name).c_str()), name);
    });
  }

  // Sets `xattrs` of `name` in some order.
  void SetXattrs(const std::string& name, std::vector<std::pair<std::string, std::string>> xattrs) {
    std::shuffle(xattrs.begin(), xattrs.end(), random_);
    for (const auto& [key, value] : xattrs) {
      Check(::lsetxattr(At(name).c_str(), key.c_str(), value.data(), value.size(), 0), name + " " + key);
    }
  }

  void AddFiles() {
    for (const unsigned size : {0U, 1U, 60U, 4031U, 4032U, 4095U, 4096U, 4097U, 8192U, 100000U, 3000001U}) {
      AddFile("files/size-" + std::to_string(size), size);
    }
    if (options_.holes) AddHoles();
  }

  void AddHoles() {
    Add([this] {  // a hole in front, one in the middle, and one behind
      Write("files/holes", Pattern(5000, 1), 1 << 20);
      Write("files/holes", Pattern(4096, 2), 3 << 20);
      Check(::truncate(At("files/holes").c_str(), 4 << 20), "files/holes");
    });
    Add([this] {
      Write("files/all-hole", {});
      Check(::truncate(At("files/all-hole").c_str(), (2 << 20) + 77), "files/all-hole");
    });
    Add([this] { Write("files/zeros", Bytes(40960)); });
  }

  void AddNames() {
    AddFile("names/" + std::string(254, 'n'), 10);
    for (const char* name :
         {"-rf", "--help", " ", "a b", "\xFF\xFE\x80", "\xC3\x28", "new\nline", "tab\t", "\"quote'",
          "back\\slash", "...", ".hidden", "*?[", "$(touch x)", "%s%n", "\xE2\x80\xAE", "#x", "~"}) {
      AddFile("names/"s + name, 3);
    }
    std::string deep = "deep";
    for (int level = 0; level < 60; ++level) deep += "/level-" + std::to_string(level);
    AddFile(deep + "/bottom", 5);
    AddFolder("empty");
    AddFolder("names/" + std::string(200, 'd') + "/inner");
  }

  void AddLinks() {
    AddSymlink("links/short", "x");
    AddSymlink("links/absolute", "/files/size-60");
    AddSymlink("links/dangling", "../not/there");
    AddSymlink("links/loop", "loop");
    AddSymlink("links/bytes", "\xFF\n\x01");
    AddSymlink("links/long", std::string(4095, 't'));
    Add([this] {
      Write("links/hard-1", Pattern(5000, 7));
      Parents("files/x");
      Check(::link(At("links/hard-1").c_str(), At("links/hard-2").c_str()), "hard-2");
      Check(::link(At("links/hard-1").c_str(), At("files/hard-3").c_str()), "hard-3");
    });
    Add([this] {
      Parents("links/fifo-1");
      Check(::mkfifo(At("links/fifo-1").c_str(), 0600), "fifo-1");
      Check(::link(At("links/fifo-1").c_str(), At("links/fifo-2").c_str()), "fifo-2");
    });
    Add([this] {
      Parents("links/soft-1");
      Check(::symlink("same", At("links/soft-1").c_str()), "soft-1");
      Check(::linkat(AT_FDCWD, At("links/soft-1").c_str(), AT_FDCWD, At("links/soft-2").c_str(), 0),
            "soft-2");
    });
  }

  void AddModes() {
    for (const unsigned mode : {0U, 0444U, 0755U, 04755U, 02755U, 06711U, 01644U, 07777U}) {
      if (mode == 0 && !options_.privileged) continue;  // who made it could not read it
      const std::string name = fmt::format("modes/file-{:04o}", mode);
      Add([=, this] {
        Write(name, Pattern(100, mode));
        Check(::chmod(At(name).c_str(), mode), name);
      });
      if (mode == 0 || mode == 0444) continue;
      const std::string folder = fmt::format("modes/folder-{:04o}", mode);
      AddFolder(folder);
      last_steps_.push_back([=, this] { Check(::chmod(At(folder).c_str(), mode), folder); });
    }
    Add([this] {
      Parents("modes/socket");
      const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
      sockaddr_un address{};
      address.sun_family = AF_UNIX;
      // The path may be too long for sun_path; a name below a folder's descriptor is not.
      const UniqueFd folder(::open(At("modes").c_str(), O_PATH | O_CLOEXEC));
      const std::string name = fmt::format("/proc/self/fd/{}/socket", folder.get());
      std::memcpy(address.sun_path, name.c_str(), name.size() + 1);
      Check(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), "socket");
      Check(::chmod(At("modes/socket").c_str(), 0660), "socket");
    });
  }

  void AddXattrs() {
    Add([this] {
      Write("xattrs/file", Pattern(4100, 3));
      SetXattrs("xattrs/file", {{"user.a", "1"},
                                {"user.b", std::string("\0\xFF binary", 9)},
                                {"user.empty", ""},
                                {"user.ab", "longer value"},
                                {"user.long", std::string(1500, 'v')},
                                {"system.posix_acl_access", SampleAcl()}});
    });
    Add([this] {
      REQUIRE_OK(io::MakeFolders(At("xattrs/folder")));
      SetXattrs("xattrs/folder", {{"user.a", "1"},
                                  {"system.posix_acl_access", SampleAcl()},
                                  {"system.posix_acl_default", SampleAcl()}});
    });
    for (int i = 0; i < 8; ++i) {  // equal ones, which could be shared
      Add([i, this] {
        const std::string name = "xattrs/shared-" + std::to_string(i);
        Write(name, {});
        SetXattrs(name, {{"user.a", "1"}, {"user.b", "2"}, {"user.c", "3"}});
      });
    }
  }

  void AddTimes() {
    const std::vector<std::pair<const char*, Times>> times = {
        {"times/epoch", {0, 0}},          {"times/epoch-ns", {0, 1}},
        {"times/1960", {-315619200, 5}},  {"times/1901", {-2147483648, 999999999}},
        {"times/-3s", {-3, 0}},           {"times/2100", {4102444800, 123456789}},
        {"times/2100-b", {4102444800, 0}}};
    for (const auto& [name, time] : times) {
      AddFile(name, 8);
      times_[name] = time;
    }
  }

  void AddBigFolder() {
    for (unsigned i = 0; i < options_.big_folder; ++i)
      AddFile(fmt::format("big/file-{:06}", i * 7919 % 1000000), i % 50);
  }

  void AddPrivileged() {
    AddDevice("devices/null", S_IFCHR | 0666, makedev(1, 3));
    AddDevice("devices/block", S_IFBLK | 0660, makedev(7, 200));
    AddDevice("devices/large", S_IFCHR | 0600, makedev(4095, 1048575));
    AddDevice("devices/minor-256", S_IFBLK | 0600, makedev(8, 256));
    AddOwner("owners/large", 100000, 200000);
    AddOwner("owners/largest", 4294967294U, 65534);
    AddOwner("owners/65535", 65535, 65536);
    Add([this] {
      AddSpecialXattrs("xattrs/capable",
                       {{"security.capability", "\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0"s},
                        {"trusted.t", "1"},
                        {"user.t", "1"},
                        {"security.other", "label"}});
    });
    Add([this] {
      AddSpecialXattrs(
          "xattrs/capable-2",
          {{"security.capability", "\x01\0\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0"s}, {"trusted.t", "1"}});
    });
    Add([this] {
      Parents("xattrs/symlink");
      Check(::symlink("t", At("xattrs/symlink").c_str()), "xattrs/symlink");
      SetXattrs("xattrs/symlink", {{"trusted.on-symlink", "yes"}});
    });
  }

  void AddSpecialXattrs(const std::string& name,
                        const std::vector<std::pair<std::string, std::string>>& xattrs) {
    Write(name, Pattern(200, 9));
    SetXattrs(name, xattrs);
  }

  void AddDevice(const std::string& name, mode_t mode, dev_t device) {
    Add([=, this] {
      Parents(name);
      Check(::mknod(At(name).c_str(), mode, device), name);
      Check(::chmod(At(name).c_str(), mode & 07777), name);
      SetXattrs(name, {{"trusted.on-device", "yes"}});
    });
  }

  void AddOwner(const std::string& name, uid_t uid, gid_t gid) {
    Add([=, this] {
      Write(name, Pattern(10, uid));
      Check(::chown(At(name).c_str(), uid, gid), name);
    });
  }

  ino_t InodeOf(const std::string& name) const {
    struct stat st {};
    Check(::lstat(At(name).c_str(), &st), name);
    return st.st_ino;
  }

  // Gives each file a time that follows from its path, deepest first, as the folders' change below them.
  void SetTimes() {
    std::vector<std::string> paths = {""};
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root_)) {
      paths.push_back(entry.path().string().substr(root_.size() + 1));
    }
    std::sort(paths.begin(), paths.end());
    std::map<ino_t, Times> by_inode;  // hard links share one
    for (const std::string& path : paths) {
      const uint64_t hash = Scramble(Hash(path));
      Times time{static_cast<int64_t>(1000000000 + hash % 700000000),
                 static_cast<long>((hash >> 32) % 1000000000)};
      if (const auto found = times_.find(path); found != times_.end()) time = found->second;
      by_inode.emplace(InodeOf(path), time);
    }
    for (auto path = paths.rbegin(); path != paths.rend(); ++path) {
      const Times time = by_inode.at(InodeOf(*path));
      const std::array<timespec, 2> both = {timespec{time.seconds, time.nanoseconds},
                                            timespec{time.seconds, time.nanoseconds}};
      Check(::utimensat(AT_FDCWD, At(*path).c_str(), both.data(), AT_SYMLINK_NOFOLLOW), *path);
    }
  }

  std::string root_;
  SampleTreeOptions options_;
  std::mt19937_64 random_;
  std::vector<std::function<void()>> steps_;
  std::vector<std::function<void()>> last_steps_;
  std::map<std::string, Times> times_;
};

}  // namespace

void MakeSampleTree(const std::string& path, const SampleTreeOptions& options) {
  Maker(path, options).Make();
}

SampleTreeOptions SampleTreeForMe() {
  SampleTreeOptions options;
  options.privileged = ::geteuid() == 0;
  return options;
}

}  // namespace veneer::test
