#include "fs/catalog/catalog_lock.h"

#include <fcntl.h>

#include <cerrno>
#include <thread>

namespace veneer::catalog {
namespace {

constexpr std::chrono::milliseconds kPause{10};

}  // namespace

// As RocksDB's PosixFileSystem::LockFile: a POSIX record lock on all of the file LOCK.
Result<UniqueFd> HoldCatalog(const std::string& path, std::chrono::milliseconds wait,
                             const std::function<void()>& on_wait) {
  const std::string file = path + "/LOCK";
  UniqueFd fd(::open(file.c_str(), O_RDWR | O_CLOEXEC));
  if (!fd) return FailErrno(errno, file);
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  const auto deadline = std::chrono::steady_clock::now() + wait;
  for (bool first = true; ::fcntl(fd.get(), F_SETLK, &lock) != 0; first = false) {
    if (errno != EACCES && errno != EAGAIN) return FailErrno(errno, file);
    if (std::chrono::steady_clock::now() >= deadline) {
      return Fail(ErrorCode::kBusy, "{}: another veneer command is writing to it; try again when it is done",
                  path);
    }
    if (first && on_wait) on_wait();
    std::this_thread::sleep_for(kPause);
  }
  return fd;
}

}  // namespace veneer::catalog
