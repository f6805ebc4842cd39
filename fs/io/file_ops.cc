#include "fs/io/file_ops.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "fs/base/cancel.h"
#include "fs/io/random_access_file.h"

namespace veneer::io {
namespace {

std::string ParentOf(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path();
  return parent.empty() ? "." : parent;
}

}  // namespace

// A FIFO without a reader and a socket answer ENXIO, a folder that is to be written EISDIR.
Result<UniqueFd> OpenRegular(const std::string& path, int flags, unsigned mode) {
  UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, mode));
  if (!fd && errno == ELOOP) {
    return Fail(ErrorCode::kCorrupt, "{}: is a symbolic link, not a regular file", path);
  }
  if (!fd && errno != ENXIO && errno != EISDIR) return FailErrno(errno, path);
  struct stat st {};
  if (fd && ::fstat(fd.get(), &st) != 0) return FailErrno(errno, path);
  if (!S_ISREG(st.st_mode)) return Fail(ErrorCode::kCorrupt, "{}: not a regular file", path);
  return fd;
}

Result<Bytes> ReadWholeFile(const std::string& path, uint64_t limit) {
  VENEER_ASSIGN(const auto file, PosixFile::Open(path));
  if (file->size() > limit) {
    return Fail(ErrorCode::kCorrupt, "{}: {} bytes, more than the {} allowed", path, file->size(), limit);
  }
  Bytes bytes(file->size());
  VENEER_TRY(file->ReadExact(0, bytes));
  return bytes;
}

Status WriteAll(int fd, ByteSpan bytes, const std::string& name) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0) {
      if (errno == EINTR) continue;
      return FailErrno(errno, fmt::format("{}: writing", name));
    }
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
  return {};
}

Status WriteAt(int fd, uint64_t offset, ByteSpan bytes, const std::string& name) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0) {
      if (errno == EINTR) continue;
      return FailErrno(errno, fmt::format("{}: writing", name));
    }
    bytes = bytes.subspan(static_cast<size_t>(n));
    offset += static_cast<uint64_t>(n);
  }
  return {};
}

Result<UniqueFd> OpenForWriting(int fd, const std::string& name) {
  UniqueFd again(::open(fmt::format("/proc/self/fd/{}", fd).c_str(), O_RDWR | O_CLOEXEC));
  if (!again) return FailErrno(errno, name);
  return again;
}

namespace {

// Bytes between two looks at whether a stop was asked for: well under a second of a slow disk's work.
constexpr uint64_t kCopyStep = 16 << 20;

// The part of CopyRange for file systems between which the kernel cannot copy.
Status CopyThroughMemory(int from, uint64_t offset, uint64_t length, int to, const std::string& name) {
  Bytes buffer(std::min<uint64_t>(length, 1 << 20));
  while (length > 0) {
    VENEER_TRY(CheckCancel());
    const size_t want = std::min<uint64_t>(length, buffer.size());
    const ssize_t n = ::pread(from, buffer.data(), want, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FailErrno(errno, fmt::format("{}: reading", name));
    if (n == 0) return Fail(ErrorCode::kCorrupt, "{}: became shorter while it was copied", name);
    VENEER_TRY(WriteAll(to, ByteSpan(buffer).first(static_cast<size_t>(n)), name));
    offset += static_cast<uint64_t>(n);
    length -= static_cast<uint64_t>(n);
  }
  return {};
}

}  // namespace

Status CopyRange(int from, uint64_t offset, uint64_t length, int to, const std::string& name) {
  while (length > 0) {
    VENEER_TRY(CheckCancel());
    auto position = static_cast<off_t>(offset);
    const ssize_t n = ::copy_file_range(from, &position, to, nullptr, std::min(length, kCopyStep), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == ENOSPC || errno == EDQUOT))
      return FailErrno(errno, fmt::format("{}: copying", name));
    if (n <= 0) return CopyThroughMemory(from, offset, length, to, name);
    offset += static_cast<uint64_t>(n);
    length -= static_cast<uint64_t>(n);
  }
  return {};
}

Status SyncFolder(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return FailErrno(errno, path);
  if (::fsync(fd.get()) != 0) return FailErrno(errno, fmt::format("{}: syncing", path));
  return {};
}

Status MakeFolders(const std::string& path, unsigned mode) {
  if (::mkdir(path.c_str(), mode) == 0) return {};
  if (errno == EEXIST) {
    struct stat st {};
    if (::stat(path.c_str(), &st) != 0) return FailErrno(errno, path);
    if (S_ISDIR(st.st_mode)) return {};
    return Fail(ErrorCode::kExists, "{}: is there and is not a folder", path);
  }
  if (errno != ENOENT) return FailErrno(errno, path);
  VENEER_TRY(MakeFolders(ParentOf(path), mode));
  if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) return FailErrno(errno, path);
  return {};
}

Result<AtomicFile> AtomicFile::Create(const std::string& path, unsigned mode, Disk& disk) {
  std::string temporary = path + ".tmp-XXXXXX";
  VENEER_ASSIGN(UniqueFd fd, disk.CreateTemporary(temporary, mode));
  return AtomicFile(std::move(fd), path, std::move(temporary), disk);
}

AtomicFile::~AtomicFile() {
  if (fd_) static_cast<void>(disk_->Remove(temporary_));  // what is left is for gc, or whoever looks
}

Status AtomicFile::Sync() {
  if (synced_) return {};
  VENEER_TRY(disk_->Sync(fd_.get(), path_));
  synced_ = true;
  return {};
}

// The content before the name, or a power cut could leave the name with another content.
Status AtomicFile::Commit() {
  VENEER_TRY(Sync());
  VENEER_TRY(disk_->Rename(temporary_, path_));
  fd_.reset();
  return disk_->SyncFolder(ParentOf(path_));
}

Status WriteFileAtomically(const std::string& path, ByteSpan bytes, unsigned mode, Disk& disk) {
  VENEER_ASSIGN(AtomicFile file, AtomicFile::Create(path, mode, disk));
  VENEER_TRY(file.Write(bytes));
  return file.Commit();
}

Result<TemporaryFolder> TemporaryFolder::Create(const std::string& parent) {
  std::string path = parent + "/veneer-XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) return FailErrno(errno, parent);
  return TemporaryFolder(std::move(path));
}

TemporaryFolder::~TemporaryFolder() {
  if (path_.empty()) return;
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace veneer::io
