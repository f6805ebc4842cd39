#include "tests/mount/server_traces.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace veneer::test {
namespace {

namespace stdfs = std::filesystem;

catalog::Store OpenStore(const SwitchRig& rig) {
  auto store = catalog::Store::Open(rig.store());
  REQUIRE_OK(store);
  return std::move(*store);
}

}  // namespace

std::vector<std::vector<std::string>> OpenFiles(const SwitchRig& rig) {
  const auto mounts = fuse::FindLiveMounts(OpenStore(rig).identity());
  REQUIRE_OK(mounts);
  std::vector<std::vector<std::string>> all(2);
  for (const fuse::LiveMount& mount : *mounts) {
    auto& open = all[mount.dir() == rig.mount(0) ? 0 : 1];
    const int server = mount.status.at("supervisor_pid");
    for (const auto& fd : stdfs::directory_iterator("/proc/" + std::to_string(server) + "/fd")) {
      std::string what = stdfs::read_symlink(fd.path());
      open.push_back(what.substr(0, what.find('[')));  // sockets and pipes have numbers
    }
    std::sort(open.begin(), open.end());
  }
  return all;
}

std::set<std::string> ControlFiles(const SwitchRig& rig) {
  std::set<std::string> names;
  for (const auto& entry : stdfs::directory_iterator(fuse::ControlFolder(OpenStore(rig).identity())))
    names.insert(entry.path().filename());
  return names;
}

std::set<pid_t> ProcessesOf(const SwitchRig& rig) {
  std::set<pid_t> processes;
  for (const auto& entry : stdfs::directory_iterator("/proc")) {
    const pid_t process = std::atoi(entry.path().filename().c_str());
    if (process == 0) continue;
    std::ifstream file(entry.path() / "cmdline");  // of one that has ended it is empty, or cannot be read
    std::string words;
    for (std::string word; std::getline(file, word, '\0');) words += word + ' ';
    if (words.find(rig.store()) != std::string::npos) processes.insert(process);
  }
  return processes;
}

}  // namespace veneer::test
