#include "fs/crypto/revocation.h"

#include "fs/crypto/certificate.h"

namespace veneer::crypto {
namespace {

using AuthorityKeyIdPtr = std::unique_ptr<AUTHORITY_KEYID, OpenSslDeleter<AUTHORITY_KEYID_free>>;

// Whether `list` says nothing of the key that signed it, or names that of `issuer`.
bool NamesKeyOf(X509_CRL* list, X509* issuer) {
  const AuthorityKeyIdPtr id(static_cast<AUTHORITY_KEYID*>(
      X509_CRL_get_ext_d2i(list, NID_authority_key_identifier, nullptr, nullptr)));
  return !id || X509_check_akid(issuer, id.get()) == X509_V_OK;
}

// What `list` has to say of `certificate`, whose issuer is `issuer` or, if that is null, not at hand.
Status CheckAgainst(X509_CRL* list, X509* certificate, X509* issuer) {
  if (X509_NAME_cmp(X509_CRL_get_issuer(list), X509_get_issuer_name(certificate)) != 0) return {};
  if (issuer != nullptr) {
    if (!NamesKeyOf(list, issuer)) return {};
    if (X509_CRL_verify(list, X509_get0_pubkey(issuer)) != 1) {
      return Fail(ErrorCode::kUntrusted, "revocation list of {}: its signature does not match",
                  SubjectOf(issuer));
    }
  }
  X509_REVOKED* entry = nullptr;
  if (X509_CRL_get0_by_cert(list, &entry, certificate) == 1) {
    return Fail(ErrorCode::kRevoked, "certificate {}: is revoked by {}", SubjectOf(certificate),
                NameText(X509_CRL_get_issuer(list)));
  }
  return {};
}

}  // namespace

Status CheckRevocation(STACK_OF(X509) * chain, const std::vector<X509CrlPtr>& lists) {
  const int count = sk_X509_num(chain);
  for (int i = 0; i < count; ++i) {
    X509* certificate = sk_X509_value(chain, i);
    X509* issuer = i + 1 < count ? sk_X509_value(chain, i + 1) : nullptr;
    if (issuer == nullptr && X509_check_issued(certificate, certificate) == X509_V_OK) issuer = certificate;
    for (const X509CrlPtr& list : lists) {
      VENEER_TRY(CheckAgainst(list.get(), certificate, issuer));
    }
  }
  return {};
}

}  // namespace veneer::crypto
