#include "fs/catalog/rocks_status.h"

#include <algorithm>
#include <string_view>

#include "fs/catalog/catalog.h"

namespace veneer::catalog {
namespace {

// How RocksDB puts that fcntl(2) refused a lock.
constexpr const char* kWhileLocking = "While lock file";

bool Mentions(const rocksdb::Status& status, std::string_view words) {
  return status.ToString().find(words) != std::string::npos;
}

ErrorCode CodeOf(const rocksdb::Status& status) {
  if (status.IsNoSpace()) return ErrorCode::kNoSpace;
  // A file or a family that is missing is damage too: what the catalog names was written before its name.
  if (status.IsCorruption() || status.IsPathNotFound() || status.IsNotFound()) return ErrorCode::kDamaged;
  if (status.IsInvalidArgument()) {
    return Mentions(status, "Column families not opened") ? ErrorCode::kUnsupported : ErrorCode::kDamaged;
  }
  if (status.IsNotSupported()) return ErrorCode::kUnsupported;
  return status.IsIOError() ? ErrorCode::kIo : ErrorCode::kFailed;
}

}  // namespace

Error FromRocks(const rocksdb::Status& status, const std::string& path) {
  const ErrorCode code = CodeOf(status);
  std::string message = status.ToString();
  std::ranges::replace(message, '\n', ' ');
  switch (code) {
    case ErrorCode::kDamaged:
      return Error(code, fmt::format("{}: the catalog is damaged: {}{}", path, message, kRepairCatalog));
    case ErrorCode::kUnsupported:
      return Error(code, fmt::format("{}: written by a newer version of this program: {}", path, message));
    default:
      return Error(code, fmt::format("{}: {}", path, message));
  }
}

// RocksDB has no code for this. The first text is that of fcntl(2) refusing, the second that of its own list
// of locks; a lock file that cannot be opened at all has another one.
bool LockIsHeld(const rocksdb::Status& status) {
  return status.IsIOError() &&
         (Mentions(status, kWhileLocking) || Mentions(status, "lock hold by current process"));
}

rocksdb::IOStatus LockOfAnother(const std::string& file) {
  return rocksdb::IOStatus::IOError(kWhileLocking, file + ": another catalog has taken the place of its own");
}

}  // namespace veneer::catalog
