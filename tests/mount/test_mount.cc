// The real program serving a real mount, held against the source tree, the kernel's EROFS and the kernel's
// overlayfs.
#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "fs/base/unique_fd.h"
#include "tests/support/kernel_mounts.h"
#include "tests/support/sample_tree.h"
#include "tests/support/tree_compare.h"
#include "tests/support/until.h"
#include "tests/tools/program.h"

namespace veneer::test {
namespace {

namespace stdfs = std::filesystem;

// A store with the sample tree as its base, mounted by the program, and a patch that is installed and not
// active.
class LiveStore {
 public:
  LiveStore() {
    MakeSampleTree(shop_ / "before");
    stdfs::create_directories(mount());
    Run({"seal", shop_ / "before", "-o", shop_ / "b.layer", "--id", "demo", "--version", "1", "--key",
         shop_.key(), "--cert", shop_.certificate()});
    Run({"--store", store(), "init", "--trust", shop_.trust()});
    Run({"--store", store(), "install", shop_ / "b.layer", "--activate"});
    Run({"--store", store(), "mount", mount()});
  }
  ~LiveStore() { ::umount2(mount().c_str(), MNT_DETACH); }
  LiveStore(const LiveStore&) = delete;
  LiveStore& operator=(const LiveStore&) = delete;

  void Run(const std::vector<std::string>& words) const {
    const CommandResult result = Veneer(words);
    INFO(result.err);
    REQUIRE(result.status == 0);
  }
  void RunOnStore(std::vector<std::string> words) const {
    words.insert(words.begin(), {"--store", store()});
    Run(words);
  }

  // Changes a copy of the tree in many ways, and installs what differs as a patch.
  void MakePatch() {
    const std::string script =
        "set -e; cp -a \"$1\" \"$2\"; cd \"$2\"; "
        "mkdir -p changed/deep; echo one > changed/deep/new; "
        "first=$(find . -type f -links 1 -size +0 | sort | head -n 1); echo more >> \"$first\"; "
        "second=$(find . -type f -links 1 | sort | sed -n 2p); rm \"$second\"; mkdir \"$second\"; echo x > "
        "\"$second/y\"; "
        "third=$(find . -type f -links 1 | sort | sed -n 4p); rm \"$third\"; "
        "link=$(find . -type l | sort | head -n 1); rm \"$link\"; ln -s elsewhere \"$link\"; "
        "chmod 711 .; touch -d @1234567890.123456789 .";
    const CommandResult made = RunCommand({"bash", "-c", script, "bash", shop_ / "before", shop_ / "after"});
    INFO(made.err);
    REQUIRE(made.status == 0);
    Run({"patch", shop_ / "after", "-o", shop_ / "p.layer", "--base", shop_ / "b.layer", "--component",
         "demo", "--sequence", "1", "--key", shop_.key(), "--cert", shop_.certificate()});
    RunOnStore({"install", shop_ / "p.layer"});
  }

  std::string mount() const { return shop_ / "mnt"; }
  std::string store() const { return shop_ / "store"; }
  const Workshop& shop() const { return shop_; }

 private:
  Workshop shop_;
};

TEST_CASE("the mount shows the source tree, and what the kernel's EROFS shows") {
  const LiveStore live;
  CHECK(DescribeDifferences(live.shop() / "before", live.mount()) == "");
  const KernelMount kernel = KernelMount::Erofs(live.shop() / "b.layer", live.shop() / "kernel");
  CompareOptions options;
  options.folder_nlink = true;
  CHECK(DescribeDifferences(live.shop() / "kernel", live.mount(), options) == "");
}

TEST_CASE("activate and revert show, live, what the kernel's overlayfs makes of the same layers") {
  LiveStore live;
  live.MakePatch();
  CHECK(DescribeDifferences(live.shop() / "before", live.mount()) == "");
  const KernelMount base = KernelMount::Erofs(live.shop() / "b.layer", live.shop() / "kb");
  const KernelMount patch = KernelMount::Erofs(live.shop() / "p.layer", live.shop() / "kp");
  const KernelMount overlay = KernelMount::Overlay({patch.folder(), base.folder()}, live.shop() / "ko");
  for (int round = 0; round < 3; ++round) {
    live.RunOnStore({"activate"});
    CHECK(DescribeDifferences(live.shop() / "after", live.mount()) == "");
    CHECK(DescribeDifferences(live.shop() / "ko", live.mount()) == "");
    live.RunOnStore({"revert", "--all"});
    CHECK(DescribeDifferences(live.shop() / "kb", live.mount()) == "");
  }
}

TEST_CASE("what is open keeps its content across a switch, and working folders live on") {
  LiveStore live;
  live.MakePatch();
  const UniqueFd folder(::open(live.mount().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  REQUIRE(folder);
  CHECK(::faccessat(folder.get(), "changed/deep/new", F_OK, 0) !=
        0);  // a negative entry that must not survive
  live.RunOnStore({"activate"});
  const UniqueFd file(::openat(folder.get(), "changed/deep/new", O_RDONLY | O_CLOEXEC));
  REQUIRE(file);
  live.RunOnStore({"revert"});
  CHECK(::faccessat(folder.get(), "changed/deep/new", F_OK, 0) != 0);
  char text[8] = {};
  CHECK(::pread(file.get(), text, sizeof text, 0) == 4);
  CHECK(std::string(text) == "one\n");
}

TEST_CASE("writes get EROFS, and a mount in use is not unmounted but said to be") {
  const LiveStore live;
  const std::string file = live.mount() + "/new";
  CHECK(::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644) < 0);
  CHECK(errno == EROFS);
  const UniqueFd folder(::open(live.mount().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  RequireError(Veneer({"umount", live.mount()}), 5, "umount", {"in use by", "--lazy"});
  RequireError(Veneer({"--store", live.store(), "mount", live.mount()}), 5, "mount",
               {"mounted there already"});
  live.Run({"umount", "--lazy", live.mount()});
}

TEST_CASE("a name of more than 255 bytes is too long, not absent") {
  const LiveStore live;
  CHECK(::access((live.mount() + "/" + std::string(255, 'x')).c_str(), F_OK) != 0);
  CHECK(errno == ENOENT);
  CHECK(::access((live.mount() + "/" + std::string(256, 'x')).c_str(), F_OK) != 0);
  CHECK(errno == ENAMETOOLONG);
}

TEST_CASE("mount -t veneer and umount work, with the options of mount(8)") {
  const LiveStore live;
  live.Run({"umount", live.mount()});
  // In a name space of its own, where the helper lies among those that mount(8) looks for.
  const std::string script =
      "set -e; store=$1 mnt=$2 box=$3; mkdir -p $box; mount -t tmpfs box $box; mkdir $box/up $box/work; "
      "cp \"$4\" $box/up/mount.veneer; mount -t overlay over -o "
      "lowerdir=/usr/sbin,upperdir=$box/up,workdir=$box/work /usr/sbin; "
      "mount -t veneer $store $mnt -o defaults,nosuid,nofail,x-test; findmnt -no FSTYPE,OPTIONS $mnt; ls "
      "$mnt | wc -l; umount $mnt; "
      "! mount -t veneer $store $mnt -o nonsense";
  const CommandResult result = RunCommand({"unshare", "--mount", "bash", "-c", script, "bash", live.store(),
                                           live.mount(), live.shop() / "box", VENEER_MOUNT_HELPER});
  INFO(result.out << result.err);
  CHECK(result.status == 0);
  CHECK(result.out.find("fuse.veneer ro,nosuid") == 0);
  CHECK(result.err.find("option nonsense is not known") != std::string::npos);
}

TEST_CASE("a mount that begins while a switch is under way shows the new generation") {
  LiveStore live;
  live.MakePatch();
  for (int round = 0; round < 12; ++round) {
    live.Run({"umount", live.mount()});
    // The server ends after its mount does; until then status still meets it.
    Until("the server's end", [&] {
      return VeneerJson({"--store", live.store(), "status"}).at("mounts").empty();
    });
    Command mounting(VeneerCommand({"--store", live.store(), "mount", live.mount()}));
    live.RunOnStore(round % 2 == 0 ? std::vector<std::string>{"activate"}
                                   : std::vector<std::string>{"revert", "--all"});
    REQUIRE(mounting.Wait().status == 0);
    const auto status = VeneerJson({"--store", live.store(), "status"});
    REQUIRE(status.at("mounts").size() == 1);
    REQUIRE(status.at("mounts")[0].at("generation") == status.at("generation"));
  }
}

TEST_CASE("an active patch that is damaged can be taken off all the same") {
  LiveStore live;
  live.MakePatch();
  live.RunOnStore({"activate"});
  const auto layers = VeneerJson({"--store", live.store(), "status"}).at("layers");
  stdfs::remove(live.store() + "/layers/" + std::string(layers.at(1).at("id")) + ".layer");
  RequireErrorLine(Veneer({"--store", live.store(), "status"}), 3, "status", {" install FILE"});
  live.RunOnStore({"revert", "--all"});
  CHECK(DescribeDifferences(live.shop() / "before", live.mount()) == "");
  live.RunOnStore({"status"});
}

TEST_CASE("the same patch made twice has one root hash, removals and all") {
  LiveStore live;
  live.MakePatch();
  const auto once = VeneerJson({"inspect", live.shop() / "p.layer"});
  const auto again = VeneerJson({"patch", live.shop() / "after", "-o", live.shop() / "q.layer", "--base",
                                 live.shop() / "b.layer", "--component", "demo", "--sequence", "1", "--key",
                                 live.shop().key(), "--cert", live.shop().certificate()});
  CHECK(again.at("whiteouts").get<int>() > 0);
  CHECK(again.at("root_hash") == once.at("manifest").at("root_hash"));
}

// Turns one bit of the installed layer, in the middle of a file that has data there; returns the file's path.
std::string DamageAFile(const LiveStore& live) {
  const std::string store = live.store() + "/layers";
  const std::string layer_path = stdfs::directory_iterator(store)->path();
  const std::string layer = live.shop().Read(layer_path);
  const std::string root = live.shop() / "before";
  for (const auto& entry : stdfs::recursive_directory_iterator(root)) {
    if (entry.is_symlink() || !entry.is_regular_file() || entry.file_size() < 40960) continue;
    const std::string data = live.shop().Read(entry.path());
    const std::string piece = data.substr(data.size() / 2 / 4096 * 4096, 64);
    const size_t place = layer.find(piece);
    if (piece.find_first_not_of('\0') == std::string::npos || place == std::string::npos) continue;
    if (layer.find(piece, place + 1) != std::string::npos) continue;
    const UniqueFd file(::open(layer_path.c_str(), O_RDWR | O_CLOEXEC));
    const char turned = static_cast<char>(layer[place] ^ 1);
    REQUIRE(::pwrite(file.get(), &turned, 1, static_cast<off_t>(place)) == 1);
    return stdfs::relative(entry.path(), root);
  }
  FAIL("the sample tree has no file of data to damage");
  return "";
}

TEST_CASE("a damaged block is EIO, never a wrong byte, and the rest is served") {
  const LiveStore live;
  const std::string path = DamageAFile(live);
  INFO(path);
  const auto read = RunCommand({"cat", live.mount() + "/" + path});
  CHECK(read.status == 1);
  CHECK(read.err.find("Input/output error") != std::string::npos);
  const std::string source = live.shop().Read((live.shop() / "before") + "/" + path);
  CHECK(source.compare(0, read.out.size(), read.out) == 0);
  const auto scan = VeneerJson({"--store", live.store(), "scan"}, 3);
  REQUIRE(scan.at("findings").size() == 1);
  CHECK(scan.at("findings")[0].at("paths")[0] == "/" + path);
  const std::string differences = DescribeDifferences(live.shop() / "before", live.mount());
  CHECK(std::count(differences.begin(), differences.end(), '\n') <= 2);
}

TEST_CASE("status says what is mounted, in JSON as the contract has it") {
  const LiveStore live;
  const auto json = VeneerJson({"--store", live.store(), "status"});
  CHECK(json["generation"] == 1);
  REQUIRE(json["mounts"].size() == 1);
  CHECK(json["mounts"][0]["dir"] == live.mount());
  CHECK(json["mounts"][0]["generation"] == 1);
  CHECK(json["mounts"][0]["worker_pid"].get<int>() > 1);
  CHECK(json["layers"][0]["kind"] == "base");
}

TEST_CASE("a mount that cannot be made is refused in one line, and nothing is mounted") {
  const LiveStore live;
  const Workshop& shop = live.shop();
  RequireError(Veneer({"--store", shop / "none", "mount", shop / "kernel"}), 1, "mount");
  RequireError(Veneer({"--store", live.store(), "mount", shop / "no-folder"}), 1, "mount", {"no-folder"});
  RequireError(Veneer({"--store", live.store(), "mount", shop / "b.layer"}), 2, "mount", {"not a folder"});
  stdfs::create_directories(shop / "other");
  RequireError(Veneer({"--store", live.store(), "mount", "--generation", "99", shop / "other"}), 1, "mount",
               {"no generation 99"});
  stdfs::remove_all(shop / "store/trust/base.d");
  RequireError(Veneer({"--store", live.store(), "mount", shop / "other"}), 4, "mount");
  CHECK(stdfs::is_empty(shop / "other"));
}

}  // namespace
}  // namespace veneer::test
