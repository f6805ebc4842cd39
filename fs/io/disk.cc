#include "fs/io/disk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "fs/io/file_ops.h"

namespace veneer::io {
namespace {

class PosixDisk final : public Disk {
 public:
  Result<UniqueFd> CreateTemporary(std::string& path, unsigned mode) override {
    UniqueFd fd(::mkostemp(path.data(), O_CLOEXEC));
    if (!fd || ::fchmod(fd.get(), mode) != 0) return FailErrno(errno, path);
    return fd;
  }

  Status Write(int fd, ByteSpan bytes, const std::string& name) override { return WriteAll(fd, bytes, name); }

  Status WriteAt(int fd, uint64_t offset, ByteSpan bytes, const std::string& name) override {
    return io::WriteAt(fd, offset, bytes, name);
  }

  Status Copy(int from, uint64_t offset, uint64_t length, int to, const std::string& name) override {
    return CopyRange(from, offset, length, to, name);
  }

  Status Sync(int fd, const std::string& name) override {
    return ::fsync(fd) == 0 ? Status() : FailErrno(errno, fmt::format("{}: syncing", name));
  }

  Status MakeFolder(const std::string& path) override {
    return ::mkdir(path.c_str(), 0755) == 0 ? Status() : FailErrno(errno, path);
  }

  Status Rename(const std::string& from, const std::string& to) override {
    return std::rename(from.c_str(), to.c_str()) == 0 ? Status() : FailErrno(errno, to);
  }

  Status Exchange(const std::string& one, const std::string& other) override {
    if (::renameat2(AT_FDCWD, one.c_str(), AT_FDCWD, other.c_str(), RENAME_EXCHANGE) == 0) return {};
    if (errno != EINVAL && errno != ENOSYS) return FailErrno(errno, other);
    return Fail(ErrorCode::kUnsupported, "{}: this file system cannot exchange two names", other);
  }

  Status Remove(const std::string& path) override {
    return ::unlink(path.c_str()) == 0 ? Status() : FailErrno(errno, path);
  }

  Status RemoveTree(const std::string& path) override {
    std::error_code error;
    std::filesystem::remove_all(path, error);
    return error ? FailErrno(error.value(), path) : Status();
  }

  Status SyncFolder(const std::string& path) override { return io::SyncFolder(path); }
};

}  // namespace

Disk& SystemDisk() {
  static PosixDisk disk;
  return disk;
}

}  // namespace veneer::io
