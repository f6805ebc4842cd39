// The one error type of the project, and the result type that carries it.
//
// Library code returns errors and never logs. A message names the object it is about, so that the one line a
// person sees says what failed, on what and why. An error becomes an errno in fs/fuse/errno.cc and an exit
// status in tools/exit_status.cc, and nowhere else.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace veneer {

enum class ErrorCode {
  kFailed,       // anything without a code of its own
  kUsage,        // the caller's words are off
  kNotFound,     // the named thing is not there
  kExists,       // the named thing is there already
  kIo,           // the device or the kernel reported an error
  kNoSpace,      // no room on the device
  kNoMemory,     // this process may have no more memory
  kBusy,         // somebody else holds it
  kInterrupted,  // a signal asked to stop
  kUnsupported,  // a valid file with a feature that this build cannot read
  kDamaged,      // something already installed no longer matches its signed hash

  // Refusals (design §7). Their words stand in the JSON contract.
  kUntrusted,
  kExpired,
  kRevoked,
  kCorrupt,
  kNotApplicable,
  kDowngrade,
  kWithdrawn,
  kConflict,
  kMissingRequirement,
  kUnsupportedSchema,
};

// The word of `code` as scripts see it, e.g. "not-applicable". Never empty.
std::string_view CodeWord(ErrorCode code);

// The code that `word` stands for; kFailed for any other text.
ErrorCode CodeOfWord(std::string_view word);

// Whether `code` is one of the refusals of signature or policy.
bool IsRefusal(ErrorCode code);

class [[nodiscard]] Error {
 public:
  Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {}

  ErrorCode code() const { return code_; }
  const std::string& message() const { return message_; }

  // The same error seen from further out: "CONTEXT: MESSAGE".
  Error Within(std::string_view context) const;

 private:
  ErrorCode code_;
  std::string message_;
};

template <typename T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

// An error with a formatted message, ready to be returned from a function with a Result.
template <typename... Args>
tl::unexpected<Error> Fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  return tl::unexpected<Error>(Error(code, fmt::format(format, std::forward<Args>(args)...)));
}

// An error from errno `error`, "WHAT: strerror". ENOENT, EEXIST, EBUSY, ENOSPC/EDQUOT, ENOMEM and EINTR get
// their codes, the rest is kIo.
tl::unexpected<Error> FailErrno(int error, std::string_view what);

// What becomes of a std::bad_alloc where it is caught. Allocates nothing.
Error OutOfMemory();

}  // namespace veneer

// Evaluates a Status or Result and returns its error from the enclosing function.
#define VENEER_TRY(expression)                                                  \
  do {                                                                          \
    if (auto veneer_try_ = (expression); !veneer_try_) {                        \
      return ::tl::unexpected<::veneer::Error>(std::move(veneer_try_).error()); \
    }                                                                           \
  } while (false)

#define VENEER_CONCAT_INNER(a, b) a##b
#define VENEER_CONCAT(a, b) VENEER_CONCAT_INNER(a, b)

// `VENEER_ASSIGN(auto x, F())`: x gets F's value, or F's error is returned from the enclosing function.
#define VENEER_ASSIGN(declaration, expression) \
  VENEER_ASSIGN_INNER(VENEER_CONCAT(veneer_result_, __LINE__), declaration, expression)
#define VENEER_ASSIGN_INNER(result, declaration, expression)                        \
  auto result = (expression);                                                       \
  if (!result) return ::tl::unexpected<::veneer::Error>(std::move(result).error()); \
  declaration = std::move(*result)
