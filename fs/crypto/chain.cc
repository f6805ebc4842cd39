#include "fs/crypto/chain.h"

#include "fs/crypto/algorithms.h"
#include "fs/crypto/certificate.h"
#include "fs/crypto/revocation.h"

namespace veneer::crypto {
namespace {

constexpr int kMaxIntermediates = 8;
constexpr int kSecurityLevel = 2;  // 112 bits: OpenSSL's own refusal of SHA-1 and short keys

ErrorCode CodeOfVerifyError(int error) {
  switch (error) {
    case X509_V_ERR_CERT_NOT_YET_VALID:
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return ErrorCode::kExpired;
    default:
      return ErrorCode::kUntrusted;
  }
}

void SetParameters(X509_STORE_CTX* context, TimeCheck time) {
  X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(context);
  unsigned long flags = X509_V_FLAG_X509_STRICT | X509_V_FLAG_PARTIAL_CHAIN;
  if (time.enabled) {
    X509_VERIFY_PARAM_set_time(parameters, time.unix_seconds);
  } else {
    flags |= X509_V_FLAG_NO_CHECK_TIME;
  }
  X509_VERIFY_PARAM_set_flags(parameters, flags);
  X509_VERIFY_PARAM_set_depth(parameters, kMaxIntermediates);
  X509_VERIFY_PARAM_set_auth_level(parameters, kSecurityLevel);
  // OpenSSL 3.0 has no purpose for signing code: CheckUsage is it.
  X509_VERIFY_PARAM_set_purpose(parameters, X509_PURPOSE_ANY);
}

// That every certificate of `chain`, the signer's first, is made for signing code: the signer's own must say
// so; one above it must not have been limited to other uses.
Status CheckUsage(STACK_OF(X509) * chain) {
  X509* signer = sk_X509_value(chain, 0);
  const uint32_t extended = X509_get_extended_key_usage(signer);
  if (extended == UINT32_MAX || (extended & XKU_CODE_SIGN) == 0) {
    return Fail(ErrorCode::kUntrusted,
                "certificate {}: is not for signing code (no extended key usage codeSigning)",
                SubjectOf(signer));
  }
  if ((X509_get_key_usage(signer) & KU_DIGITAL_SIGNATURE) == 0) {
    return Fail(ErrorCode::kUntrusted, "certificate {}: is not for signing (no key usage digitalSignature)",
                SubjectOf(signer));
  }
  for (int i = 1; i < sk_X509_num(chain); ++i) {
    X509* authority = sk_X509_value(chain, i);
    if ((X509_get_extended_key_usage(authority) & (XKU_CODE_SIGN | XKU_ANYEKU)) == 0) {
      return Fail(ErrorCode::kUntrusted, "certificate {}: its extended key usage leaves codeSigning out",
                  SubjectOf(authority));
    }
  }
  return {};
}

// That every key, and every signature that is relied on, is of an allowed algorithm. The last certificate is
// the trust anchor: the owner vouches for it, and not the signature in it.
Status CheckAlgorithms(STACK_OF(X509) * chain) {
  const int count = sk_X509_num(chain);
  for (int i = 0; i < count; ++i) {
    X509* certificate = sk_X509_value(chain, i);
    std::optional<std::string> objection = ObjectionToKey(X509_get0_pubkey(certificate));
    if (!objection && i + 1 < count) objection = ObjectionToCertificateSignature(certificate);
    if (objection) {
      return Fail(ErrorCode::kUntrusted, "certificate {}: {}", SubjectOf(certificate), *objection);
    }
  }
  return {};
}

}  // namespace

Status VerifyChain(X509* signer, STACK_OF(X509) * helpers, const TrustStore::Certificates& trust, Role role,
                   TimeCheck time) {
  const X509StoreCtxPtr context(X509_STORE_CTX_new());
  if (!context ||
      X509_STORE_CTX_init(context.get(), trust.AnchorsOf(role).store.get(), signer, helpers) != 1) {
    return Fail(ErrorCode::kFailed, "certificate {}: OpenSSL has no memory for its chain", SubjectOf(signer));
  }
  SetParameters(context.get(), time);
  if (X509_verify_cert(context.get()) != 1) {
    const int error = X509_STORE_CTX_get_error(context.get());
    const X509* culprit = X509_STORE_CTX_get_current_cert(context.get());
    return Fail(CodeOfVerifyError(error), "certificate {}: {} (role {})",
                SubjectOf(culprit != nullptr ? culprit : signer), X509_verify_cert_error_string(error),
                RoleWord(role));
  }
  STACK_OF(X509)* chain = X509_STORE_CTX_get0_chain(context.get());
  VENEER_TRY(CheckUsage(chain));
  VENEER_TRY(CheckAlgorithms(chain));
  return CheckRevocation(chain, trust.revocation_lists);
}

}  // namespace veneer::crypto
