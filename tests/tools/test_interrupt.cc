// A signal in the middle of the work: exit status 130, and nothing left behind.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <set>

#include "tests/tools/program.h"

namespace veneer::test {
namespace {

namespace stdfs = std::filesystem;

std::set<std::string> NamesIn(const std::string& folder) {
  std::set<std::string> names;
  for (const auto& entry : stdfs::directory_iterator(folder)) names.insert(entry.path().filename());
  return names;
}

// A seal whose mkfs.erofs says that it has begun, and then would never end.
class EndlessSeal {
 public:
  explicit EndlessSeal(const std::vector<std::string>& before = {}) {
    stdfs::create_directories(workshop_ / "bin");
    stdfs::create_directories(workshop_ / "out");
    stdfs::create_directories(workshop_ / "tmp");
    REQUIRE(::mkfifo((workshop_ / "begun").c_str(), 0600) == 0);
    workshop_.Write("bin/mkfs.erofs",
                    "#!/bin/sh\necho $$ >'" + workshop_ / "begun" + "'\nexec sleep 1000000\n");
    REQUIRE(::chmod((workshop_ / "bin/mkfs.erofs").c_str(), 0755) == 0);
    std::vector<std::string> argv = {"env", "TMPDIR=" + workshop_ / "tmp",
                                     "PATH=" + (workshop_ / "bin") + ":" + std::getenv("PATH")};
    argv.insert(argv.end(), before.begin(), before.end());
    argv.emplace_back(VENEER_PROGRAM);
    for (const std::string& word : workshop_.SealWords(workshop_ / "out/base.layer")) argv.push_back(word);
    command_.emplace(argv);
    mkfs_ = std::stoi(workshop_.Read(workshop_ / "begun"));
  }

  void Signal(int signal) { command_->Signal(signal); }
  CommandResult Wait() { return command_->Wait(); }
  pid_t mkfs() const { return mkfs_; }

  // What is in the folders that the program writes to.
  std::set<std::string> Left() const {
    std::set<std::string> left = NamesIn(workshop_ / "out");
    left.merge(NamesIn(workshop_ / "tmp"));
    return left;
  }

 private:
  Workshop workshop_;
  std::optional<Command> command_;
  pid_t mkfs_ = -1;
};

TEST_CASE("a signal stops a seal, which leaves nothing behind") {
  const int signal = GENERATE(SIGINT, SIGTERM, SIGHUP);
  EndlessSeal seal;
  seal.Signal(signal);
  RequireError(seal.Wait(), 130, "seal", {"interrupted"});
  CHECK(::kill(seal.mkfs(), 0) != 0);
  CHECK(seal.Left() == std::set<std::string>{});
}

TEST_CASE("a signal that was ignored from the start stays ignored") {
  EndlessSeal seal({"sh", "-c", "trap '' HUP; exec \"$@\"", "sh"});
  seal.Signal(SIGHUP);
  ::kill(seal.mkfs(), SIGKILL);
  RequireError(seal.Wait(), 1, "seal", {"mkfs.erofs: killed by signal 9"});
  CHECK(seal.Left() == std::set<std::string>{});
}

}  // namespace
}  // namespace veneer::test
