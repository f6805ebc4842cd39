#include "fs/crypto/sha256.h"

#include <openssl/evp.h>

#include <new>

namespace veneer::crypto {
namespace {

struct ContextDeleter {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using ContextPtr = std::unique_ptr<EVP_MD_CTX, ContextDeleter>;

// SHA-256 over memory has no way to fail but want of memory: every OpenSSL has it.
void Must(bool ok) {
  if (!ok) throw std::bad_alloc();
}

// The algorithm, fetched once: an implicit fetch at each use costs more than hashing a block. What failed is
// tried again by the next who asks.
const EVP_MD* Algorithm() {
  static EVP_MD* const algorithm = [] {
    EVP_MD* const fetched = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    Must(fetched != nullptr);
    return fetched;
  }();
  return algorithm;
}

ContextPtr NewContext() {
  ContextPtr context(EVP_MD_CTX_new());
  Must(context != nullptr);
  return context;
}

}  // namespace

Digest Sha256(ByteSpan bytes) {
  thread_local const ContextPtr context = NewContext();  // likewise
  Digest digest{};
  Must(EVP_DigestInit_ex2(context.get(), Algorithm(), nullptr) == 1);
  Must(EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()) == 1);
  Must(EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) == 1);
  return digest;
}

struct Sha256Hasher::Context {
  ContextPtr md = NewContext();
};

Sha256Hasher::Sha256Hasher() : context_(std::make_unique<Context>()) {
  Must(EVP_DigestInit_ex2(context_->md.get(), Algorithm(), nullptr) == 1);
}
Sha256Hasher::Sha256Hasher(Sha256Hasher&&) noexcept = default;
Sha256Hasher& Sha256Hasher::operator=(Sha256Hasher&&) noexcept = default;
Sha256Hasher::~Sha256Hasher() = default;

void Sha256Hasher::Update(ByteSpan bytes) {
  Must(EVP_DigestUpdate(context_->md.get(), bytes.data(), bytes.size()) == 1);
}

Digest Sha256Hasher::Finish() {
  Digest digest{};
  Must(EVP_DigestFinal_ex(context_->md.get(), digest.data(), nullptr) == 1);
  Must(EVP_DigestInit_ex2(context_->md.get(), Algorithm(), nullptr) == 1);
  return digest;
}

}  // namespace veneer::crypto
