#include "tests/mount/logged_mount.h"

#include <fcntl.h>
#include <sys/mount.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "tests/support/until.h"

namespace veneer::test {

LoggedMount::LoggedMount(const SwitchRig& rig, int number)
    : rig_(rig), number_(number), log_(rig.root() + "/log" + std::to_string(number)) {
  std::filesystem::create_directories(rig.mount(number));
  const UniqueFd log(::open(log_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  REQUIRE(log);
  server_.emplace(VeneerCommand({"--store", rig.store(), "mount", "--foreground", rig.mount(number)}),
                  log.get());
  Until("a first line", [&] { return server_->Ended() || !Log().empty(); });
  REQUIRE(ByEvent(Log()).contains("mount"));
}

LoggedMount::~LoggedMount() {
  if (server_) ::umount2(rig_.mount(number_).c_str(), MNT_DETACH);
}

std::vector<std::string> LoggedMount::Log() const {
  std::vector<std::string> lines;
  std::ifstream file(log_);
  for (std::string line; std::getline(file, line) && !file.eof();) lines.push_back(line);
  return lines;
}

std::vector<std::string> LoggedMount::End() {
  rig_.Run({"umount", rig_.mount(number_)});
  CHECK(server_->Wait().status == 0);
  server_.reset();
  return Log();
}

std::map<std::string, std::vector<std::string>> ByEvent(const std::vector<std::string>& lines) {
  constexpr std::string_view kKey = " event=";
  std::map<std::string, std::vector<std::string>> events;
  for (const std::string& line : lines) {
    const size_t at = line.find(kKey);
    const size_t begin = at == std::string::npos ? line.size() : at + kKey.size();
    events[line.substr(begin, line.find(' ', begin) - begin)].push_back(line);
  }
  return events;
}

}  // namespace veneer::test
