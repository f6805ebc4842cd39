#include "tests/mount/own_program.h"

#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/mount/damage.h"
#include "tests/support/until.h"

namespace veneer::test {
namespace {

namespace stdfs = std::filesystem;

void CopyTo(const std::string& file, const std::string& tree) {
  const stdfs::path place = tree + file;
  stdfs::create_directories(place.parent_path());
  stdfs::copy_file(file, place, stdfs::copy_options::skip_existing);
}

// What ldd(1) names: "NAME => PATH (ADDRESS)" or "PATH (ADDRESS)".
std::vector<std::string> LibrariesOf(const std::string& program) {
  const CommandResult result = RunCommand({"ldd", program});
  REQUIRE(result.status == 0);
  std::istringstream words(result.out);
  std::vector<std::string> libraries;
  for (std::string word; words >> word;) {
    if (word.starts_with("/")) libraries.push_back(word);
  }
  return libraries;
}

}  // namespace

OwnProgram::OwnProgram() {
  CopyProgram();
  VeneerJson({"--store", store(), "init", "--trust", shop_.trust()});
  VeneerJson({"--store", store(), "install", shop_.Sealed(), "--activate"});
  stdfs::create_directories(mount());
  VeneerJson({"--store", store(), "mount", mount()});
  for (const std::string& folder : FoldersOfMachine())
    REQUIRE(::mount(folder.c_str(), (mount() + folder).c_str(), nullptr, MS_BIND, nullptr) == 0);
}

// The server has its program there, and so would keep the mount for ever.
OwnProgram::~OwnProgram() {
  const auto status = nlohmann::json::parse(
      RunCommand(VeneerCommand({"--store", store(), "--json", "status"})).out, nullptr, false);
  for (const std::string& folder : FoldersOfMachine()) ::umount2((mount() + folder).c_str(), MNT_DETACH);
  ::umount2(mount().c_str(), MNT_DETACH);
  for (const auto& served : status.value("mounts", nlohmann::json::array())) {
    for (const char* server : {"guardian_pid", "supervisor_pid"}) {
      const pid_t process = served.at(server);
      if (process > 0) ::kill(process, SIGKILL);
    }
  }
}

std::vector<std::string> OwnProgram::FoldersOfMachine() const {
  return {"/proc", "/sys", "/dev", "/run", shop_.path()};
}

void OwnProgram::CopyProgram() const {
  for (const std::string& folder : FoldersOfMachine()) stdfs::create_directories(shop_.tree() + folder);
  const std::string program = VENEER_PROGRAM;
  for (const std::string& library : LibrariesOf(program)) CopyTo(library, shop_.tree());
  stdfs::create_directories(shop_.tree() + "/usr/bin");
  stdfs::copy_file(program, shop_.tree() + "/usr/bin/veneer");
}

void OwnProgram::RunInside(std::vector<std::string> words) const {
  words.insert(words.begin(), {"chroot", mount(), "/usr/bin/veneer", "--store", store()});
  RunBounded(words);
}

void OwnProgram::ReadAll() const {
  ForgetCaches();
  const std::string compare = "cd \"$0\" && find . -type f ! -exec cmp -s {} \"$1\"/{} \\; -print";
  CHECK(RunBounded({"sh", "-c", compare, shop_.tree(), mount()}).out.empty());
}

nlohmann::json OwnProgram::Status() const {
  return VeneerJson({"--store", store(), "status"}).at("mounts").at(0);
}

// One that waits for a mount that nobody serves cannot be killed before that is cut off.
CommandResult OwnProgram::RunBounded(const std::vector<std::string>& argv) const {
  Command command(argv);
  const bool ended = Await([&] { return command.Ended(); });
  if (!ended) Abort();
  const CommandResult result = command.Wait();
  INFO(result.out << result.err);
  REQUIRE(ended);
  CHECK(result.status == 0);
  return result;
}

void OwnProgram::Abort() const {
  const std::string control = shop_ / "fusectl";
  stdfs::create_directories(control);
  ::mount("fusectl", control.c_str(), "fusectl", 0, nullptr);
  std::ifstream table("/proc/self/mountinfo");
  for (std::string line; std::getline(table, line);) {
    std::istringstream words(line);
    std::string skipped;
    std::string device;
    std::string root;
    std::string target;
    words >> skipped >> skipped >> device >> root >> target;
    if (target != mount()) continue;
    std::ofstream(control + "/" + device.substr(device.find(':') + 1) + "/abort") << 1;
  }
  ::umount2(control.c_str(), MNT_DETACH);
}

}  // namespace veneer::test
