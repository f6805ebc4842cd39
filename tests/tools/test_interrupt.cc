// A signal in the middle of the work: exit status 130, and nothing left behind.
#include <fcntl.h>
#include <pty.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <set>

#include "tests/support/process.h"
#include "tests/support/until.h"
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
    const UniqueFd begun(::open((workshop_ / "begun").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    command_.emplace(argv);
    UntilReadable("mkfs.erofs to begin", begun.get());
    std::array<char, 16> pid{};
    REQUIRE(::read(begun.get(), pid.data(), pid.size() - 1) > 0);
    mkfs_ = std::stoi(pid.data());
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

// A terminal that takes nothing until it is thawed: whoever draws progress on it stops there.
class FrozenTerminal {
 public:
  FrozenTerminal() {
    int master = -1;
    int slave = -1;
    REQUIRE(::openpty(&master, &slave, nullptr, nullptr, nullptr) == 0);
    ours_.reset(master);
    theirs_.reset(slave);
    REQUIRE(::tcflow(slave, TCOOFF) == 0);
  }
  int theirs() const { return theirs_.get(); }

  // Lets it go on, and returns all that is written until nobody has it open any more, as lines; those that
  // were drawn over are left out.
  std::string Thaw() {
    REQUIRE(::tcflow(theirs_.get(), TCOON) == 0);
    theirs_.reset();
    std::string text;
    std::array<char, 4096> buffer{};
    for (ssize_t n = 0; (n = ::read(ours_.get(), buffer.data(), buffer.size())) > 0;) {
      text.append(buffer.data(), static_cast<size_t>(n));
    }
    const std::string erased = "\r\x1b[K";
    const size_t end = text.rfind(erased);
    return end == std::string::npos ? text : text.substr(end + erased.size());
  }

 private:
  UniqueFd ours_, theirs_;
};

// A store with one layer installed.
class StoreToStop {
 public:
  StoreToStop() {
    const std::string file = shop_.Sealed();
    Run({"init", "--trust", shop_.trust()});
    Run({"install", file, "--activate"});
  }
  std::string path() const { return shop_ / "store"; }
  // A file to be installed.
  std::string AnotherLayer() const {
    shop_.Write("tree/another", "file");
    const std::string file = shop_ / "another.layer";
    const CommandResult sealed = Veneer(shop_.SealWords(file));
    INFO(sealed.err);
    CHECK(sealed.status == 0);
    return file;
  }
  void Run(std::vector<std::string> words) const {
    words.insert(words.begin(), {"--store", path()});
    const CommandResult result = Veneer(words);
    INFO(result.err);
    CHECK(result.status == 0);
  }

  // Runs `words`, which draw progress; once a layer is open, sends `signal`. Requires one line and no other.
  void Stop(std::vector<std::string> words, int signal) const {
    const std::string verb = words.front();
    words.insert(words.begin(), {"--store", path()});
    FrozenTerminal terminal;
    Command command(VeneerCommand(words), terminal.theirs());
    WaitForOpen(command, path() + "/layers/");
    command.Signal(signal);
    CHECK(terminal.Thaw() == "veneer: " + verb + ": interrupted\r\n");
    const CommandResult result = command.Wait();
    CHECK(result.status == 130);
    CHECK(result.out == "");
  }

 private:
  Workshop shop_;
};

// Stops `words` by each signal, one after the other; then lets them run.
void RequireThatSignalsStop(const StoreToStop& store, const std::vector<std::string>& words) {
  const auto names = NamesIn(store.path());
  const auto layers = NamesIn(store.path() + "/layers");
  const std::string listed = Veneer({"--store", store.path(), "list"}).out;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    INFO("signal " << signal);
    store.Stop(words, signal);
    CHECK(NamesIn(store.path()) == names);
    CHECK(NamesIn(store.path() + "/layers") == layers);
    CHECK(Veneer({"--store", store.path(), "list"}).out == listed);
  }
  store.Run(words);
}

TEST_CASE("a signal stops a scan in its middle, and the store is as it was") {
  const StoreToStop store;
  RequireThatSignalsStop(store, {"scan"});
}

TEST_CASE("a signal stops an install in its middle, and nothing of the layer is left") {
  const StoreToStop store;
  RequireThatSignalsStop(store, {"install", store.AnotherLayer()});
}

}  // namespace
}  // namespace veneer::test
