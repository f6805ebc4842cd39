// SHA-256 (FIPS 180-4), by OpenSSL's EVP.
#pragma once

#include <memory>

#include "fs/base/bytes.h"

namespace veneer::crypto {

// The digest of `bytes`. Safe from several threads; keeps one context per thread, so that a block costs no
// allocation.
Digest Sha256(ByteSpan bytes);

// A digest over bytes that come piece by piece. One thread at a time.
class Sha256Hasher {
 public:
  Sha256Hasher();
  Sha256Hasher(Sha256Hasher&&) noexcept;
  Sha256Hasher& operator=(Sha256Hasher&&) noexcept;
  ~Sha256Hasher();

  void Update(ByteSpan bytes);

  // The digest of all that came; the hasher then starts anew.
  Digest Finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace veneer::crypto
