#include "fs/catalog/catalog_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <thread>
#include <utility>

#include "fs/base/cancel.h"
#include "fs/catalog/catalog.h"

namespace veneer::catalog {
namespace {

constexpr std::chrono::milliseconds kPause{10};

// Calls `lock`, which says whether it has the lock on `path`, until it does or `wait` is over.
template <typename Lock>
Status WaitFor(const std::string& path, std::chrono::milliseconds wait, const std::function<void()>& on_wait,
               const Lock& lock) {
  const auto deadline = std::chrono::steady_clock::now() + wait;
  for (bool first = true;; first = false) {
    VENEER_ASSIGN(const bool has, lock());
    if (has) return {};
    if (std::chrono::steady_clock::now() >= deadline) return StillLocked(path);
    VENEER_TRY(CheckCancel());
    if (first && on_wait) on_wait();
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace

tl::unexpected<Error> StillLocked(const std::string& path) {
  return Fail(ErrorCode::kBusy, "{}: another veneer command is writing to it; try again when it is done",
              path);
}

Result<CatalogLock> CatalogLock::Open(const std::string& path) {
  std::string file = path + "/LOCK";
  UniqueFd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0644));
  if (!fd && errno == ENOENT)
    return Fail(ErrorCode::kNotFound, "{}: there is no catalog{}", path, kRepairCatalog);
  if (!fd && (errno == ELOOP || errno == EISDIR || errno == ENOTDIR))
    return Fail(ErrorCode::kDamaged, "{}: not a regular file{}", file, kRepairCatalog);
  if (!fd) return FailErrno(errno, file);
  return CatalogLock(std::move(file), std::move(fd));
}

// RocksDB's PosixFileSystem::LockFile has a POSIX record lock on all of the file LOCK. This one keeps such
// locks out, and is kept out by them, but belongs to the open file and not to the process: a child has it
// too.
Result<bool> CatalogLock::Try() const {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  if (::fcntl(fd_.get(), F_OFD_SETLK, &lock) != 0) {
    if (errno == EAGAIN || errno == EACCES) return false;
    return FailErrno(errno, file_);
  }
  struct stat locked {};
  struct stat there {};
  if (::fstat(fd_.get(), &locked) != 0) return FailErrno(errno, file_);
  if (::stat(file_.c_str(), &there) != 0) return false;
  return locked.st_dev == there.st_dev && locked.st_ino == there.st_ino;
}

Result<UniqueFd> HoldCatalog(const std::string& path, std::chrono::milliseconds wait,
                             const std::function<void()>& on_wait) {
  UniqueFd held;
  // Opened anew each time: a rebuilt catalog comes with another LOCK.
  const auto try_it = [&]() -> Result<bool> {
    VENEER_ASSIGN(CatalogLock lock, CatalogLock::Open(path));
    VENEER_ASSIGN(const bool has, lock.Try());
    if (has) held = std::move(lock).Take();
    return has;
  };
  VENEER_TRY(WaitFor(path + "/LOCK", wait, on_wait, try_it));
  return held;
}

Result<UniqueFd> HoldStore(const std::string& path, std::chrono::milliseconds wait,
                           const std::function<void()>& on_wait) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return FailErrno(errno, path);
  const auto try_it = [&]() -> Result<bool> {
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return true;
    if (errno == EWOULDBLOCK) return false;
    return FailErrno(errno, path);
  };
  VENEER_TRY(WaitFor(path, wait, on_wait, try_it));
  return fd;
}

}  // namespace veneer::catalog
