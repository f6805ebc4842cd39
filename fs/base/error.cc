#include "fs/base/error.h"

#include <cerrno>
#include <system_error>

namespace veneer {

std::string_view CodeWord(ErrorCode code) {
  switch (code) {
    case ErrorCode::kFailed:
      return "failed";
    case ErrorCode::kUsage:
      return "usage";
    case ErrorCode::kNotFound:
      return "not-found";
    case ErrorCode::kExists:
      return "exists";
    case ErrorCode::kIo:
      return "io";
    case ErrorCode::kNoSpace:
      return "no-space";
    case ErrorCode::kNoMemory:
      return "no-memory";
    case ErrorCode::kBusy:
      return "busy";
    case ErrorCode::kInterrupted:
      return "interrupted";
    case ErrorCode::kUnsupported:
      return "unsupported";
    case ErrorCode::kDamaged:
      return "damaged";
    case ErrorCode::kUntrusted:
      return "untrusted";
    case ErrorCode::kExpired:
      return "expired";
    case ErrorCode::kRevoked:
      return "revoked";
    case ErrorCode::kCorrupt:
      return "corrupt";
    case ErrorCode::kNotApplicable:
      return "not-applicable";
    case ErrorCode::kDowngrade:
      return "downgrade";
    case ErrorCode::kWithdrawn:
      return "withdrawn";
    case ErrorCode::kConflict:
      return "conflict";
    case ErrorCode::kMissingRequirement:
      return "missing-requirement";
    case ErrorCode::kUnsupportedSchema:
      return "unsupported-schema";
  }
  return "failed";
}

ErrorCode CodeOfWord(std::string_view word) {
  for (int i = 0; i <= static_cast<int>(ErrorCode::kUnsupportedSchema); ++i) {
    if (CodeWord(static_cast<ErrorCode>(i)) == word) return static_cast<ErrorCode>(i);
  }
  return ErrorCode::kFailed;
}

bool IsRefusal(ErrorCode code) {
  return code >= ErrorCode::kUntrusted;
}

Error Error::Within(std::string_view context) const {
  return Error(code_, fmt::format("{}: {}", context, message_));
}

namespace {

ErrorCode CodeOfErrno(int error) {
  switch (error) {
    case ENOENT:
      return ErrorCode::kNotFound;
    case EEXIST:
      return ErrorCode::kExists;
    case EBUSY:
      return ErrorCode::kBusy;
    case ENOSPC:
    case EDQUOT:
      return ErrorCode::kNoSpace;
    case ENOMEM:
      return ErrorCode::kNoMemory;
    case EINTR:
      return ErrorCode::kInterrupted;
    default:
      return ErrorCode::kIo;
  }
}

}  // namespace

tl::unexpected<Error> FailErrno(int error, std::string_view what) {
  return Fail(CodeOfErrno(error), "{}: {}", what, std::generic_category().message(error));
}

Error OutOfMemory() {
  return Error(ErrorCode::kNoMemory, "out of memory");
}

}  // namespace veneer
