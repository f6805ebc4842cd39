#include "fs/catalog/catalog_lock.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <thread>

#include "fs/base/cancel.h"

namespace veneer::catalog {
namespace {

constexpr std::chrono::milliseconds kPause{10};

// Calls `lock`, which answers as a system call does, until it has the lock on `path` or `wait` is over.
template <typename Lock>
Status WaitFor(const std::string& path, std::chrono::milliseconds wait, const std::function<void()>& on_wait,
               const Lock& lock) {
  const auto deadline = std::chrono::steady_clock::now() + wait;
  for (bool first = true; lock() != 0; first = false) {
    if (errno != EAGAIN) return FailErrno(errno, path);
    if (std::chrono::steady_clock::now() >= deadline) return StillLocked(path);
    VENEER_TRY(CheckCancel());
    if (first && on_wait) on_wait();
    std::this_thread::sleep_for(kPause);
  }
  return {};
}

}  // namespace

tl::unexpected<Error> StillLocked(const std::string& path) {
  return Fail(ErrorCode::kBusy, "{}: another veneer command is writing to it; try again when it is done",
              path);
}

// RocksDB's PosixFileSystem::LockFile has a POSIX record lock on all of the file LOCK. This one keeps such
// locks out, and is kept out by them, but belongs to the open file and not to the process: a child has it
// too.
Result<UniqueFd> HoldCatalog(const std::string& path, std::chrono::milliseconds wait,
                             const std::function<void()>& on_wait) {
  const std::string file = path + "/LOCK";
  UniqueFd fd;
  // Opened anew each time: a rebuilt catalog comes with another LOCK.
  const auto try_it = [&] {
    fd.reset(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0644));
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    return fd ? ::fcntl(fd.get(), F_OFD_SETLK, &lock) : -1;
  };
  VENEER_TRY(WaitFor(file, wait, on_wait, try_it));
  return fd;
}

Result<UniqueFd> HoldStore(const std::string& path, std::chrono::milliseconds wait,
                           const std::function<void()>& on_wait) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return FailErrno(errno, path);
  VENEER_TRY(WaitFor(path, wait, on_wait, [&] { return ::flock(fd.get(), LOCK_EX | LOCK_NB); }));
  return fd;
}

}  // namespace veneer::catalog
