#include <cerrno>
#include <set>
#include <string>

#include "fs/base/error.h"
#include "tests/support/catch.h"

namespace veneer {
namespace {

constexpr ErrorCode kRefusals[] = {
    ErrorCode::kUntrusted,          ErrorCode::kExpired,          ErrorCode::kRevoked,   ErrorCode::kCorrupt,
    ErrorCode::kNotApplicable,      ErrorCode::kDowngrade,        ErrorCode::kWithdrawn, ErrorCode::kConflict,
    ErrorCode::kMissingRequirement, ErrorCode::kUnsupportedSchema};
constexpr ErrorCode kOthers[] = {ErrorCode::kFailed,  ErrorCode::kUsage,       ErrorCode::kNotFound,
                                 ErrorCode::kExists,  ErrorCode::kIo,          ErrorCode::kNoSpace,
                                 ErrorCode::kBusy,    ErrorCode::kInterrupted, ErrorCode::kUnsupported,
                                 ErrorCode::kDamaged, ErrorCode::kNoMemory};

Result<int> Half(int number) {
  if (number % 2 != 0) return Fail(ErrorCode::kUsage, "{} is odd", number);
  return number / 2;
}

Result<int> Quarter(int number) {
  VENEER_ASSIGN(const int half, Half(number));
  VENEER_TRY(Half(half));
  return half / 2;
}

TEST_CASE("the words of the refusals are those of the contract") {
  const std::set<std::string_view> contract = {"untrusted",         "expired",        "revoked",
                                               "corrupt",           "not-applicable", "downgrade",
                                               "withdrawn",         "conflict",       "missing-requirement",
                                               "unsupported-schema"};
  std::set<std::string_view> words;
  for (ErrorCode code : kRefusals) {
    CHECK(IsRefusal(code));
    words.insert(CodeWord(code));
  }
  CHECK(words == contract);
  for (ErrorCode code : kOthers) {
    CHECK_FALSE(IsRefusal(code));
    CHECK(words.insert(CodeWord(code)).second);
  }
}

TEST_CASE("the macros hand on values and errors") {
  CHECK(*Quarter(8) == 2);
  REQUIRE_FAILS(ErrorCode::kUsage, Quarter(3));
  CHECK(Quarter(6).error().message() == "3 is odd");
}

TEST_CASE("an error seen from further out keeps its code") {
  const Error error = Error(ErrorCode::kNoSpace, "disk full").Within("a.layer");
  CHECK(error.code() == ErrorCode::kNoSpace);
  CHECK(error.message() == "a.layer: disk full");
}

TEST_CASE("an errno becomes a code, with the system's words") {
  const auto code = [](int error) { return FailErrno(error, "x").value().code(); };
  CHECK(code(ENOENT) == ErrorCode::kNotFound);
  CHECK(code(EEXIST) == ErrorCode::kExists);
  CHECK(code(EBUSY) == ErrorCode::kBusy);
  CHECK(code(ENOSPC) == ErrorCode::kNoSpace);
  CHECK(code(EDQUOT) == ErrorCode::kNoSpace);
  CHECK(code(ENOMEM) == ErrorCode::kNoMemory);
  CHECK(code(EINTR) == ErrorCode::kInterrupted);
  CHECK(code(EIO) == ErrorCode::kIo);
  CHECK(code(EACCES) == ErrorCode::kIo);
  CHECK(FailErrno(ENOENT, "/no/where").value().message() == "/no/where: No such file or directory");
}

}  // namespace
}  // namespace veneer
