// Issuing X.509 certificates (RFC 5280).
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "fs/base/error.h"
#include "fs/crypto/openssl_handles.h"

namespace veneer::crypto {

struct Extension {
  int nid;
  const char* value;  // as openssl.cnf has it
};

// Who issues.
struct Authority {
  X509* certificate;
  EVP_PKEY* key;
};

// In seconds since 1970.
struct Validity {
  int64_t begin;
  int64_t end;
};

// A certificate of `key` for the common name `common_name`, with a random serial number of 16 bytes, signed
// over SHA-256 by `authority`, or by itself where that is null. kUsage if OpenSSL will not have the name:
// empty, not UTF-8 or longer than 64 characters; kFailed.
Result<X509Ptr> IssueCertificate(const std::string& common_name, EVP_PKEY* key, const Authority* authority,
                                 std::span<const Extension> extensions, Validity validity);

}  // namespace veneer::crypto
