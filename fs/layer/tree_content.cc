#include "fs/layer/tree_content.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "fs/base/cancel.h"
#include "fs/crypto/sha256.h"
#include "fs/layer/tree_walk.h"

namespace veneer::layer {
namespace {

constexpr uint64_t kReadSize = 256 << 10;  // bytes, a multiple of kBlockSize

bool IsZero(ByteSpan bytes) {
  return bytes[0] == 0 && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0;
}

uint64_t CountZeroBlocks(ByteSpan bytes) {
  uint64_t count = 0;
  for (; !bytes.empty(); bytes = bytes.subspan(std::min<size_t>(kBlockSize, bytes.size()))) {
    if (IsZero(bytes.first(std::min<size_t>(kBlockSize, bytes.size())))) ++count;
  }
  return count;
}

// Whether the open file is the one that `entry` tells of, unchanged.
Status CheckUnchanged(int fd, const std::string& name, const TreeEntry& entry) {
  struct stat st {};
  if (::fstat(fd, &st) != 0) return FailErrno(errno, name);
  const SourceStamp stamp{uint64_t{major(st.st_dev)} << 32 | minor(st.st_dev), st.st_ino, st.st_ctim.tv_sec,
                          static_cast<uint32_t>(st.st_ctim.tv_nsec)};
  if (stamp == entry.stamp && static_cast<uint64_t>(st.st_size) == entry.size) return {};
  return Fail(ErrorCode::kBusy, "{}: changed while it was read", name);
}

// Fills `out` from `offset`, which lies that far before the end that was listed.
Status ReadFully(int fd, uint64_t offset, MutableByteSpan out, const std::string& name) {
  while (!out.empty()) {
    const ssize_t n = ::pread(fd, out.data(), out.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FailErrno(errno, fmt::format("{}: reading", name));
    if (n == 0) return Fail(ErrorCode::kBusy, "{}: became shorter while it was read", name);
    offset += static_cast<uint64_t>(n);
    out = out.subspan(static_cast<size_t>(n));
  }
  return {};
}

}  // namespace

Status ReadContent(int root, const std::string& name, StageProgress& meter, TreeEntry& entry) {
  VENEER_ASSIGN(const UniqueFd fd, OpenBeneath(root, entry.path, O_RDONLY | O_NONBLOCK | O_NOCTTY, name));
  VENEER_TRY(CheckUnchanged(fd.get(), name, entry));
  Bytes buffer(std::min(entry.size, kReadSize));
  crypto::Sha256Hasher hasher;
  for (uint64_t offset = 0; offset < entry.size;) {
    const MutableByteSpan piece =
        MutableByteSpan(buffer).first(std::min<uint64_t>(buffer.size(), entry.size - offset));
    VENEER_TRY(CheckCancel());
    VENEER_TRY(ReadFully(fd.get(), offset, piece, name));
    hasher.Update(piece);
    entry.zero_blocks += CountZeroBlocks(piece);
    offset += piece.size();
    meter.Add(piece.size());
  }
  entry.content = hasher.Finish();
  return CheckUnchanged(fd.get(), name, entry);
}

}  // namespace veneer::layer
