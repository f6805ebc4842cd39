// Private keys by URI, through OpenSSL's STORE.
#include <openssl/store.h>
#include <openssl/ui.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>

#include "fs/crypto/openssl_error.h"
#include "fs/crypto/pem.h"

namespace veneer::crypto {
namespace {

using StorePtr = std::unique_ptr<OSSL_STORE_CTX, OpenSslDeleter<OSSL_STORE_close>>;
using StoreInfoPtr = std::unique_ptr<OSSL_STORE_INFO, OpenSslDeleter<OSSL_STORE_INFO_free>>;
using UiMethodPtr = std::unique_ptr<UI_METHOD, OpenSslDeleter<UI_destroy_method>>;

// There is nobody to ask for a password: a token's PIN stands in its URI or in the provider's settings.
int NoPassword(char*, int, int, void*) {
  return -1;
}

}  // namespace

bool IsKeyUri(const std::string& name) {
  const size_t colon = name.find(':');
  if (colon == std::string::npos || colon == 0) return false;
  const bool scheme =
      std::all_of(name.begin(), name.begin() + static_cast<std::ptrdiff_t>(colon), [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '+' || c == '.' || c == '-';
      });
  return scheme && ::access(name.c_str(), F_OK) != 0;
}

Result<PkeyPtr> ReadStorePrivateKey(const std::string& uri) {
  const ErrorScope scope;
  const UiMethodPtr no_password(UI_UTIL_wrap_read_pem_callback(NoPassword, 0));
  const StorePtr store(OSSL_STORE_open(uri.c_str(), no_password.get(), nullptr, nullptr, nullptr));
  if (!store) return Fail(ErrorCode::kNotFound, "{}: {}", uri, TakeOpenSslReason());
  OSSL_STORE_expect(store.get(), OSSL_STORE_INFO_PKEY);
  while (OSSL_STORE_eof(store.get()) == 0) {
    const StoreInfoPtr info(OSSL_STORE_load(store.get()));
    if (!info || OSSL_STORE_INFO_get_type(info.get()) != OSSL_STORE_INFO_PKEY) continue;
    PkeyPtr key(OSSL_STORE_INFO_get1_PKEY(info.get()));
    if (key) return key;
  }
  return Fail(ErrorCode::kCorrupt, "{}: no private key that can be used without a password: {}", uri,
              TakeOpenSslReason());
}

}  // namespace veneer::crypto
