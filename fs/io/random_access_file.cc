#include "fs/io/random_access_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>

#include "fs/io/file_ops.h"

namespace veneer::io {

Result<std::unique_ptr<PosixFile>> PosixFile::Open(const std::string& path) {
  VENEER_ASSIGN(UniqueFd fd, OpenRegular(path, O_RDONLY));
  return FromFd(std::move(fd), path);
}

Result<std::unique_ptr<PosixFile>> PosixFile::FromFd(UniqueFd fd, std::string name) {
  struct stat st {};
  if (::fstat(fd.get(), &st) != 0) return FailErrno(errno, name);
  if (!S_ISREG(st.st_mode)) return Fail(ErrorCode::kCorrupt, "{}: not a regular file", name);
  return std::unique_ptr<PosixFile>(
      new PosixFile(std::move(fd), std::move(name), static_cast<uint64_t>(st.st_size)));
}

Status PosixFile::ReadExact(uint64_t offset, MutableByteSpan out) const {
  // Farther than off_t reaches, no file has bytes.
  if (!InBounds(offset, out.size(), std::numeric_limits<off_t>::max())) {
    return Fail(ErrorCode::kCorrupt, "{}: ends before byte {}", name_, offset);
  }
  while (!out.empty()) {
    const ssize_t n = ::pread(fd_.get(), out.data(), out.size(), static_cast<off_t>(offset));
    if (n < 0) {
      if (errno == EINTR) continue;
      return FailErrno(errno, fmt::format("{}: reading at byte {}", name_, offset));
    }
    if (n == 0)
      return Fail(ErrorCode::kCorrupt, "{}: ends at byte {}, before what it should hold", name_, offset);
    offset += static_cast<uint64_t>(n);
    out = out.subspan(static_cast<size_t>(n));
  }
  return {};
}

void PosixFile::DropCached() const {
  static_cast<void>(::posix_fadvise(fd_.get(), 0, 0, POSIX_FADV_DONTNEED));  // fails for no regular file
}

Status MemoryFile::ReadExact(uint64_t offset, MutableByteSpan out) const {
  if (!InBounds(offset, out.size(), bytes_.size())) {
    return Fail(ErrorCode::kCorrupt, "{}: ends at byte {}, before what it should hold", name_, bytes_.size());
  }
  std::copy_n(bytes_.begin() + static_cast<ptrdiff_t>(offset), out.size(), out.begin());
  return {};
}

}  // namespace veneer::io
