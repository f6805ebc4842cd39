#include "tests/support/kernel_mounts.h"

#include <sys/mount.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "tests/support/catch.h"
#include "tests/support/run_command.h"

namespace veneer::test {

KernelMount KernelMount::Erofs(const std::string& file, const std::string& folder) {
  std::filesystem::create_directories(folder);
  if (::mount(file.c_str(), folder.c_str(), "erofs", MS_RDONLY, nullptr) != 0) {
    const CommandResult result = RunCommand({"mount", "-t", "erofs", "-o", "ro,loop", file, folder});
    INFO(result.err);
    REQUIRE(result.status == 0);
  }
  return KernelMount(folder);
}

KernelMount KernelMount::Overlay(const std::vector<std::string>& lower, const std::string& folder) {
  std::filesystem::create_directories(folder);
  std::string options = "lowerdir=";
  for (size_t i = 0; i < lower.size(); ++i) options += (i == 0 ? "" : ":") + lower[i];
  INFO(options);
  const int result = ::mount("overlay", folder.c_str(), "overlay", MS_RDONLY, options.c_str());
  INFO(std::strerror(errno));
  REQUIRE(result == 0);
  return KernelMount(folder);
}

KernelMount::~KernelMount() {
  if (!folder_.empty()) ::umount2(folder_.c_str(), MNT_DETACH);
}

}  // namespace veneer::test
