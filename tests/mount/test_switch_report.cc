// What activate says of a switch, and when it refuses one.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <optional>

#include "fs/base/unique_fd.h"
#include "tests/mount/program_trees.h"
#include "tests/mount/switch_rig.h"
#include "tests/support/tree_compare.h"

namespace veneer::test {
namespace {

namespace stdfs = std::filesystem;

TEST_CASE("activate tells how long it took, how many entries changed and the longest wait") {
  const SwitchRig rig(2, MakeProgramTrees);
  CHECK(rig.Json({"activate", "--dry-run", "p"}).at("changes").size() == kEntriesFromFirstToSecond);
  const auto begin = std::chrono::steady_clock::now();
  const auto json = rig.Json({"activate", "p"});
  const auto took =
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin).count();
  const int64_t said = json.at("microseconds");
  CHECK(said > 0);
  CHECK(said <= took);
  CHECK(json.at("warnings").empty());
  REQUIRE(json.at("mounts").size() == 2);
  for (const auto& mount : json.at("mounts")) {
    CHECK(mount.at("entries") == kEntriesFromFirstToSecond);
    CHECK(mount.at("folders").get<int>() >= 5);
    CHECK(mount.at("longest_wait_us").get<int64_t>() >= 0);
    CHECK(mount.at("longest_wait_us").get<int64_t>() <= said);
  }
  const auto again = rig.Json({"activate", "p"});
  CHECK(again.at("generation") == json.at("generation"));
  CHECK(again.at("mounts").empty());
  CHECK(again.at("warnings").empty());
  CHECK(rig.Json({"activate", "--dry-run", "p"}).at("layers").size() == 2);
  const CommandResult text = rig.Try({"revert", "--all"});
  for (int i = 0; i < 2; ++i)
    CHECK(text.out.find(fmt::format("{}: {} entries changed in ", rig.mount(i), kEntriesFromFirstToSecond)) !=
          std::string::npos);
  CHECK(text.out.find(" ms, no look-up waited longer than ") != std::string::npos);
}

// The kernel's overlayfs over `lower`, for as long as this lives.
class Overlay {
 public:
  Overlay(const SwitchRig& rig, const std::string& lower) : target_(rig.root() + "/overlay") {
    for (const char* name : {"overlay", "empty"}) stdfs::create_directories(rig.root() + "/" + name);
    const std::string options = fmt::format("lowerdir={}:{}/empty", lower, rig.root());
    REQUIRE(::mount("overlay", target_.c_str(), "overlay", MS_RDONLY, options.c_str()) == 0);
  }
  ~Overlay() { ::umount2(target_.c_str(), MNT_DETACH); }
  Overlay(const Overlay&) = delete;
  Overlay& operator=(const Overlay&) = delete;

  const std::string& target() const { return target_; }

 private:
  std::string target_;
};

TEST_CASE("an overlayfs above a live mount stands in the way of a switch, and --force overrides") {
  const SwitchRig rig(1, MakeProgramTrees);
  const std::string lower = GENERATE(std::string(), std::string("/data"));
  const Overlay overlay(rig, rig.mount(0) + lower);
  RequireError(rig.Try({"activate", "--quiet", "p"}), 2, "activate");  // a global option, not the verb's
  const auto refused = rig.Json({"activate", "p"}, 5);
  CHECK(refused.at("error").at("code") == "busy");
  const std::string message = refused.at("error").at("message");
  CHECK(message.find("overlay at " + overlay.target()) != std::string::npos);
  CHECK(message.find("mount --generation") != std::string::npos);
  CHECK(message.find("--force") != std::string::npos);
  CHECK(refused.at("hazards").at(0).at("refuses") == true);
  RequireErrorLine(rig.Try({"activate", "p"}), 5, "activate", {overlay.target()});
  const auto planned = rig.Json({"activate", "--dry-run", "p"});
  CHECK(planned.at("hazards").at(0).at("refuses") == true);
  CHECK(rig.TreeOnRecord() == 0);
  CHECK(rig.Generations().at(rig.mount(0)) == 1);
  rig.Run({"activate", "--force", "p"});
  CHECK(rig.TreeOnRecord() == 1);
  RequireErrorLine(rig.Try({"revert", "--all"}), 5, "revert", {overlay.target()});
  rig.Run({"revert", "--all", "--force"});
}

// A shell that runs `script` in a mount name space of its own, and stays there for as long as this lives.
class Elsewhere {
 public:
  Elsewhere(const SwitchRig& rig, const std::string& script) {
    const std::string fifo = rig.root() + "/elsewhere";
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    const UniqueFd ready(::open(fifo.c_str(), O_RDWR | O_CLOEXEC));
    shell_.emplace(std::vector<std::string>{"unshare", "--mount", "sh", "-c",
                                            "{ " + script +
                                                "; } && echo 1 > \"$0\" || echo 0 > \"$0\"; "
                                                "exec tail -f /dev/null",
                                            fifo});
    char made = 0;
    REQUIRE(::read(ready.get(), &made, 1) == 1);
    REQUIRE(made == '1');
  }

 private:
  std::optional<Command> shell_;
};

TEST_CASE("what other mount name spaces have above or below a live mount counts too") {
  const SwitchRig rig(1, MakeProgramTrees);
  const std::string mount = rig.mount(0);
  stdfs::create_directories(rig.root() + "/over");
  const bool refuses = GENERATE(true, false);
  const std::string script = refuses ? fmt::format("mount -t overlay over -o ro,lowerdir={}:{}/t0 {}/over",
                                                   mount, rig.root(), rig.root())
                                     : fmt::format("mount --bind /dev {}/gone", mount);
  const Elsewhere elsewhere(rig, script);
  const auto planned = rig.Json({"activate", "--dry-run", "p"});
  REQUIRE(planned.at("hazards").size() == 1);
  CHECK(planned.at("hazards").at(0).at("refuses") == refuses);
  const std::string text = planned.at("hazards").at(0).at("text");
  CHECK(text.find((refuses ? rig.root() + "/over" : mount + "/gone") + " (in the name space of process ") !=
        std::string::npos);
  rig.Json({"activate", "p"}, refuses ? 5 : 0);
}

TEST_CASE("a copy that another name space has of a mount is not told beside it") {
  const SwitchRig rig(1, MakeProgramTrees);
  const std::string target = rig.mount(0) + "/gone";
  REQUIRE(::mount("tmpfs", target.c_str(), "tmpfs", 0, nullptr) == 0);
  const Elsewhere elsewhere(rig, "true");
  const auto hazards = rig.Json({"activate", "--dry-run", "p"}).at("hazards");
  REQUIRE(hazards.size() == 1);
  CHECK(hazards.at(0).at("text").get<std::string>().find("name space") == std::string::npos);
}

TEST_CASE("a mount point may have any name") {
  const SwitchRig rig(0, MakeProgramTrees);
  const std::string odd = rig.root() + "/odd \xff\n";
  const std::string printed = rig.root() + "/odd \\xff\n";  // what is UTF-8 stays as it is in JSON
  stdfs::create_directories(odd);
  rig.Run({"mount", odd});
  CHECK(rig.Json({"status"}).at("mounts").at(0).at("dir") == printed);
  {
    const Overlay overlay(rig, odd);
    CHECK(rig.Json({"activate", "p"}, 5).at("hazards").size() == 1);
  }
  CHECK(rig.Json({"activate", "p"}).at("mounts").at(0).at("dir") == printed);
  rig.Run({"reload", odd});
  CHECK(rig.Json({"why", odd + "/data/big"}).at("path") == "/data/big");
  rig.Run({"umount", odd});
}

TEST_CASE("a pinned mount is fit to lie under an overlayfs, and never changes") {
  const SwitchRig rig(1, MakeProgramTrees);
  const std::string pinned = rig.root() + "/pinned";
  stdfs::create_directories(pinned);
  rig.Run({"mount", "--generation", "1", pinned});
  {
    const Overlay overlay(rig, pinned);
    const auto json = rig.Json({"activate"});
    CHECK(json.at("hazards").empty());
    CHECK(json.at("mounts").size() == 1);
    CHECK(DescribeDifferences(rig.root() + "/t0", pinned) == "");
    CHECK(DescribeDifferences(rig.root() + "/t0", overlay.target()) == "");
    CHECK(DescribeDifferences(rig.root() + "/t2", rig.mount(0)) == "");
    rig.Run({"revert", "--all"});
  }
  rig.Run({"umount", pinned});
}

}  // namespace
}  // namespace veneer::test
