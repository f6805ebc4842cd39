#include "fs/fuse/errno.h"

#include <cerrno>

namespace veneer::fuse {

int ErrnoOf(const Error& error) {
  switch (error.code()) {
    case ErrorCode::kNotFound:
      return ESTALE;  // an id of no layer: names that are absent are answers, not errors
    case ErrorCode::kUsage:
      return EINVAL;
    case ErrorCode::kInterrupted:
      return EINTR;
    case ErrorCode::kNoMemory:
      return ENOMEM;
    default:
      return EIO;
  }
}

}  // namespace veneer::fuse
