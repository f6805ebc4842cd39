#include "fs/crypto/sha256.h"

#include <openssl/evp.h>

#include <cstdlib>

namespace veneer::crypto {
namespace {

// The algorithm, fetched once: an implicit fetch at each use costs more than hashing a block.
const EVP_MD* Algorithm() {
  static EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return algorithm;
}

struct ContextDeleter {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using ContextPtr = std::unique_ptr<EVP_MD_CTX, ContextDeleter>;

// SHA-256 over memory has no way to fail but want of memory or an OpenSSL without SHA-256; neither can be
// gone on from.
void Must(int ok) {
  if (ok != 1) std::abort();
}

}  // namespace

Digest Sha256(ByteSpan bytes) {
  thread_local const ContextPtr context(EVP_MD_CTX_new());
  Digest digest{};
  Must(EVP_DigestInit_ex2(context.get(), Algorithm(), nullptr));
  Must(EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()));
  Must(EVP_DigestFinal_ex(context.get(), digest.data(), nullptr));
  return digest;
}

struct Sha256Hasher::Context {
  ContextPtr md{EVP_MD_CTX_new()};
};

Sha256Hasher::Sha256Hasher() : context_(std::make_unique<Context>()) {
  Must(EVP_DigestInit_ex2(context_->md.get(), Algorithm(), nullptr));
}
Sha256Hasher::Sha256Hasher(Sha256Hasher&&) noexcept = default;
Sha256Hasher& Sha256Hasher::operator=(Sha256Hasher&&) noexcept = default;
Sha256Hasher::~Sha256Hasher() = default;

void Sha256Hasher::Update(ByteSpan bytes) {
  Must(EVP_DigestUpdate(context_->md.get(), bytes.data(), bytes.size()));
}

Digest Sha256Hasher::Finish() {
  Digest digest{};
  Must(EVP_DigestFinal_ex(context_->md.get(), digest.data(), nullptr));
  Must(EVP_DigestInit_ex2(context_->md.get(), Algorithm(), nullptr));
  return digest;
}

}  // namespace veneer::crypto
