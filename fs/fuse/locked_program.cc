#include "fs/fuse/locked_program.h"

#include <openssl/crypto.h>
#include <sys/mman.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "fs/fuse/sandbox.h"

namespace veneer::fuse {
namespace {

constexpr const char* kMaps = "/proc/self/maps";

struct Mapping {
  uintptr_t begin = 0;
  uintptr_t end = 0;
  std::string path;
};

// "BEGIN-END PERMISSIONS OFFSET DEVICE INODE PATH"; the path of shared memory begins with /memfd: or /dev/.
// What may not be read holds a place free, and nothing else.
std::vector<Mapping> MappedFiles() {
  std::vector<Mapping> files;
  std::ifstream maps(kMaps);
  for (std::string line; std::getline(maps, line);) {
    std::istringstream words(line);
    std::string range;
    std::string permissions;
    std::string skipped;
    Mapping mapping;
    words >> range >> permissions >> skipped >> skipped >> skipped >> std::ws;
    std::getline(words, mapping.path);
    const bool is_file = mapping.path.starts_with("/") && !mapping.path.starts_with("/memfd:") &&
                         !mapping.path.starts_with("/dev/") && !mapping.path.starts_with("/SYSV");
    if (!is_file || !permissions.starts_with("r")) continue;
    const char* last = range.data() + range.size();
    const auto begin = std::from_chars(range.data(), last, mapping.begin, 16);
    std::from_chars(begin.ptr + 1, last, mapping.end, 16);
    files.push_back(std::move(mapping));
  }
  return files;
}

}  // namespace

void LoadProgram() {
  ::OPENSSL_init_crypto(
      OPENSSL_INIT_ADD_ALL_CIPHERS | OPENSSL_INIT_ADD_ALL_DIGESTS | OPENSSL_INIT_LOAD_CONFIG, nullptr);
  static_cast<void>(WorkerUser());
  // With TZ unset, the C library would look for the file at each use again.
  ::setenv("TZ", ":/etc/localtime", 0);  // NOLINT: one thread
  ::tzset();
}

Status LockProgram() {
  const auto files = MappedFiles();
  if (files.empty()) return Fail(ErrorCode::kIo, "{}: names no program", kMaps);
  Status locked;
  for (const Mapping& file : files) {
    const void* place =
        reinterpret_cast<const void*>(file.begin);  // NOLINT: an address, as the kernel wrote it
    if (::mlock(place, file.end - file.begin) != 0)
      locked = FailErrno(errno, fmt::format("{}: cannot be locked in memory", file.path));
  }
  return locked;
}

std::string MappedBelow(const std::string& path) {
  const std::string folder = path.ends_with("/") ? path : path + "/";
  for (const Mapping& file : MappedFiles()) {
    if (file.path.starts_with(folder)) return file.path;
  }
  return {};
}

}  // namespace veneer::fuse
