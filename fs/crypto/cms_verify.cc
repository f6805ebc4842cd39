#include <algorithm>

#include "fs/crypto/algorithms.h"
#include "fs/crypto/certificate.h"
#include "fs/crypto/chain.h"
#include "fs/crypto/cms.h"
#include "fs/crypto/cms_message.h"
#include "fs/crypto/openssl_error.h"
#include "fs/crypto/trust_certificates.h"

namespace veneer::crypto {
namespace {

// The certificate that FindCertificates gave `signer`, or null.
X509* CertificateOf(CMS_SignerInfo* signer) {
  X509* certificate = nullptr;
  CMS_SignerInfo_get0_algs(signer, nullptr, &certificate, nullptr, nullptr);
  return certificate;
}

// Gives each signer of `message` its certificate: one of `anchors`, so that a pinned certificate need not be
// sent along, or one that the message carries.
Status FindCertificates(const CmsMessage& message, const std::vector<X509Ptr>& anchors) {
  const X509StackPtr known(sk_X509_new_null());
  for (const X509Ptr& certificate : anchors) {
    X509_up_ref(certificate.get());
    if (!known || sk_X509_push(known.get(), certificate.get()) == 0) {
      X509_free(certificate.get());
      return Fail(ErrorCode::kFailed, "signature: OpenSSL has no memory for it");
    }
  }
  CMS_set1_signers_certs(message.cms.get(), known.get(), 0);
  for (CMS_SignerInfo* signer : message.signers) {
    if (CertificateOf(signer) == nullptr) {
      return Fail(ErrorCode::kUntrusted, "signature: the certificate of a signer is not with it");
    }
  }
  return {};
}

// That `signer` signs attributes which bind content of the type data. Without attributes, the signature is
// over the bare content; somebody could then pass off the attributes of another message as content.
Status CheckAttributes(CMS_SignerInfo* signer) {
  const void* type =
      CMS_signed_get0_data_by_OBJ(signer, OBJ_nid2obj(NID_pkcs9_contentType), -3, V_ASN1_OBJECT);
  if (type == nullptr || OBJ_obj2nid(static_cast<const ASN1_OBJECT*>(type)) != NID_pkcs7_data) {
    return Fail(ErrorCode::kCorrupt, "signature of {}: has no signed attributes for content of the type data",
                SubjectOf(CertificateOf(signer)));
  }
  return {};
}

// What `signer` signs, and with which algorithms.
Status CheckForm(CMS_SignerInfo* signer) {
  X509* certificate = CertificateOf(signer);
  VENEER_TRY(CheckAttributes(signer));
  std::optional<std::string> objection = ObjectionToSigningKey(X509_get0_pubkey(certificate));
  if (!objection) objection = ObjectionToSignerAlgorithms(signer);
  if (objection) {
    return Fail(ErrorCode::kUntrusted, "signature of {}: {}", SubjectOf(certificate), *objection);
  }
  return {};
}

// Everything about `signer` but the signature itself.
Status CheckSigner(CMS_SignerInfo* signer, const CmsMessage& message, const TrustStore& trust, Role role,
                   TimeCheck time) {
  VENEER_TRY(CheckForm(signer));
  return VerifyChain(CertificateOf(signer), message.certificates.get(), trust.certificates(), role, time);
}

// The content of `message` if every signature in it matches. The certificates have been judged by now.
Result<Bytes> CheckSignatures(const CmsMessage& message) {
  const BioPtr content(BIO_new(BIO_s_mem()));
  if (!content) return Fail(ErrorCode::kFailed, "signature: OpenSSL has no memory for its content");
  constexpr unsigned kFlags = CMS_BINARY | CMS_NO_SIGNER_CERT_VERIFY;
  if (CMS_verify(message.cms.get(), nullptr, nullptr, nullptr, content.get(), kFlags) != 1) {
    return Fail(ErrorCode::kCorrupt, "signature: does not match: {}", TakeOpenSslReason());
  }
  const ByteSpan bytes = WrittenBytes(content.get());
  return Bytes(bytes.begin(), bytes.end());
}

// One certificate for each key that signed.
std::vector<X509*> DistinctSigners(const CmsMessage& message) {
  std::vector<X509*> distinct;
  for (CMS_SignerInfo* signer : message.signers) {
    X509* certificate = CertificateOf(signer);
    if (certificate == nullptr) continue;
    const bool seen = std::any_of(distinct.begin(), distinct.end(), [&](X509* other) {
      return SameKey(X509_get0_pubkey(other), X509_get0_pubkey(certificate));
    });
    if (!seen) distinct.push_back(certificate);
  }
  return distinct;
}

}  // namespace

Result<CmsContent> CmsVerify(ByteSpan der, const TrustStore& trust, Role role, TimeCheck time) {
  const ErrorScope scope;
  VENEER_ASSIGN(const CmsMessage message, ParseCms(der));
  if (message.signers.empty()) return Fail(ErrorCode::kUntrusted, "signature: nobody signed");
  const RoleAnchors& anchors = trust.certificates().AnchorsOf(role);
  if (anchors.certificates.empty()) {
    return Fail(ErrorCode::kUntrusted, "{}/{}.d: no certificate is trusted for the role {}", trust.path(),
                RoleWord(role), RoleWord(role));
  }
  VENEER_TRY(FindCertificates(message, anchors.certificates));
  for (CMS_SignerInfo* signer : message.signers) {
    VENEER_TRY(CheckSigner(signer, message, trust, role, time));
  }
  CmsContent verified;
  VENEER_ASSIGN(verified.content, CheckSignatures(message));
  for (const X509* certificate : DistinctSigners(message)) {
    verified.signers.push_back(Describe(certificate));
  }
  const unsigned needed = trust.policy().SignersFor(role);
  if (verified.signers.size() < needed) {
    return Fail(ErrorCode::kUntrusted, "signature: {} distinct keys signed, the role {} needs {}",
                verified.signers.size(), RoleWord(role), needed);
  }
  return verified;
}

Result<CmsContent> CmsCheckSignatures(ByteSpan der) {
  const ErrorScope scope;
  VENEER_ASSIGN(const CmsMessage message, ParseCms(der));
  if (message.signers.empty()) return Fail(ErrorCode::kUntrusted, "signature: nobody signed");
  VENEER_TRY(FindCertificates(message, {}));
  for (CMS_SignerInfo* signer : message.signers) VENEER_TRY(CheckForm(signer));
  CmsContent checked;
  VENEER_ASSIGN(checked.content, CheckSignatures(message));
  for (const X509* certificate : DistinctSigners(message)) checked.signers.push_back(Describe(certificate));
  return checked;
}

Result<CmsContent> CmsShowUnverified(ByteSpan der) {
  const ErrorScope scope;
  VENEER_ASSIGN(const CmsMessage message, ParseCms(der));
  CmsContent shown;
  const ByteSpan content = ContentOf(message);
  shown.content.assign(content.begin(), content.end());
  CMS_set1_signers_certs(message.cms.get(), nullptr, 0);
  for (const X509* certificate : DistinctSigners(message)) shown.signers.push_back(Describe(certificate));
  // A signer whose certificate is not there is still one that a person should see.
  for (CMS_SignerInfo* signer : message.signers) {
    if (CertificateOf(signer) != nullptr) continue;
    SignerDescription description;
    X509_NAME* issuer = nullptr;
    ASN1_INTEGER* serial = nullptr;
    CMS_SignerInfo_get0_signer_id(signer, nullptr, &issuer, &serial);
    if (issuer != nullptr) description.issuer = NameText(issuer);
    if (serial != nullptr) description.serial = SerialText(serial);
    shown.signers.push_back(std::move(description));
  }
  return shown;
}

}  // namespace veneer::crypto
