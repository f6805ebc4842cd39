// OpenSSL's per-thread error queue: kept clean for others, and read for a message.
#pragma once

#include <openssl/err.h>

#include <string>

namespace veneer::crypto {

// Empties this thread's queue when it begins and when it ends: what a caller left there is not taken for
// ours, and what we leave is not taken for a caller's.
class ErrorScope {
 public:
  ErrorScope() { ERR_clear_error(); }
  ~ErrorScope() { ERR_clear_error(); }
  ErrorScope(const ErrorScope&) = delete;
  ErrorScope& operator=(const ErrorScope&) = delete;
};

// Why OpenSSL failed just now, on one line: its outermost reason, and the innermost where that is another.
// Empties the queue.
std::string TakeOpenSslReason();

}  // namespace veneer::crypto
