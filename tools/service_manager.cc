#include "tools/service_manager.h"

#include <fmt/format.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-login.h>

#include <cstdlib>
#include <utility>

namespace veneer::tools {

std::unique_ptr<ServiceManager> ServiceManager::Find() {
  if (std::getenv("NOTIFY_SOCKET") == nullptr) return nullptr;  // NOLINT: one thread
  return std::unique_ptr<ServiceManager>(new ServiceManager());
}

std::map<std::string, UniqueFd> ServiceManager::TakeKept() {
  std::map<std::string, UniqueFd> kept;
  bool twice = false;
  char** names = nullptr;
  const int count = sd_listen_fds_with_names(1, &names);
  for (int i = 0; i < count; ++i) {
    twice = !kept.emplace(names[i], UniqueFd(SD_LISTEN_FDS_START + i)).second || twice;
    kept_.emplace(names[i]);
    std::free(names[i]);  // NOLINT: libsystemd allocates it with malloc
  }
  std::free(names);  // NOLINT: likewise
  if (twice) kept.clear();
  return kept;
}

void ServiceManager::DropKept() {
  for (const std::string& name : std::exchange(kept_, {})) Drop(name);
}

void ServiceManager::Ready() {
  sd_notify(0, "READY=1");
}

void ServiceManager::Keep(const std::string& name, int fd) {
  sd_pid_notify_with_fds(0, 0, fmt::format("FDSTORE=1\nFDNAME={}", name).c_str(), &fd, 1);
}

void ServiceManager::Drop(const std::string& name) {
  sd_notify(0, fmt::format("FDSTOREREMOVE=1\nFDNAME={}", name).c_str());
}

std::string ServiceManager::ReplaceCommand() const {
  char* unit = nullptr;
  const bool known = sd_pid_get_unit(0, &unit) >= 0;
  const std::string command =
      fmt::format("systemctl kill --kill-whom=main --signal=KILL '{}'", known ? unit : "UNIT");
  std::free(unit);  // NOLINT: libsystemd allocates it with malloc
  return command;
}

}  // namespace veneer::tools
