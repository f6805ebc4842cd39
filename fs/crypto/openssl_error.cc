#include "fs/crypto/openssl_error.h"

#include <fmt/format.h>

namespace veneer::crypto {
namespace {

std::string ReasonOf(unsigned long code) {
  if (code == 0) return "OpenSSL gives no reason";
  const char* reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : fmt::format("OpenSSL error {:x}", code);
}

}  // namespace

std::string TakeOpenSslReason() {
  const std::string innermost = ReasonOf(ERR_peek_error());
  const std::string outermost = ReasonOf(ERR_peek_last_error());
  ERR_clear_error();
  return innermost == outermost ? outermost : fmt::format("{}: {}", outermost, innermost);
}

}  // namespace veneer::crypto
