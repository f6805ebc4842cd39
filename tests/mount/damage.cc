#include "tests/mount/damage.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>

#include "fs/base/unique_fd.h"

namespace veneer::test {

void DamageLongFile(const SwitchRig& rig) {
  const std::string path = rig.store() + "/layers/" + rig.StackOf(0).front() + ".layer";
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  const std::string bytes(std::istreambuf_iterator<char>(file), {});
  const size_t place = bytes.find(fmt::format("tree 0 {} line 0\n", kLongFile));
  REQUIRE(place != std::string::npos);
  file.seekp(static_cast<std::streamoff>(place));
  file.put('T');
  REQUIRE(file.flush().good());
  ForgetCaches();
}

void ForgetCaches() {
  std::ofstream("/proc/sys/vm/drop_caches") << 3;
}

int ReadErrno(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return errno;
  std::array<char, 4096> buffer;
  ssize_t n = 1;
  while (n > 0) n = ::read(file.get(), buffer.data(), buffer.size());
  return n < 0 ? errno : 0;
}

}  // namespace veneer::test
