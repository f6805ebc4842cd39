#include <openssl/rsa.h>

#include <climits>

#include "fs/crypto/certificate.h"
#include "fs/crypto/cms.h"
#include "fs/crypto/openssl_error.h"
#include "fs/crypto/openssl_handles.h"
#include "fs/crypto/signer_material.h"

namespace veneer::crypto {
namespace {

tl::unexpected<Error> FailToSign(const Signer::Material& signer) {
  return Fail(ErrorCode::kFailed, "signing as {}: {}", SubjectOf(signer.certificates.front().get()),
              TakeOpenSslReason());
}

bool IsRsa(const EVP_PKEY* key) {
  const int kind = EVP_PKEY_get_base_id(key);
  return kind == EVP_PKEY_RSA || kind == EVP_PKEY_RSA_PSS;
}

// Has `info` sign with RSASSA-PSS, its salt as long as the digest.
bool UsePss(CMS_SignerInfo* info) {
  EVP_PKEY_CTX* context = CMS_SignerInfo_get0_pkey_ctx(info);
  return context != nullptr && EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
}

// Whether `cms` carries `certificate` already, as it does when two signers share an intermediate.
bool Carries(CMS_ContentInfo* cms, const X509* certificate) {
  const X509StackPtr carried(CMS_get1_certs(cms));
  for (int i = 0; carried && i < sk_X509_num(carried.get()); ++i) {
    if (X509_cmp(sk_X509_value(carried.get(), i), certificate) == 0) return true;
  }
  return false;
}

Status AddSigner(CMS_ContentInfo* cms, const Signer::Material& signer) {
  const bool rsa = IsRsa(signer.key.get());
  const unsigned flags = CMS_BINARY | CMS_NOCERTS | CMS_NOSMIMECAP | (rsa ? CMS_KEY_PARAM : 0U);
  CMS_SignerInfo* info =
      CMS_add1_signer(cms, signer.certificates.front().get(), signer.key.get(), EVP_sha256(), flags);
  if (info == nullptr || (rsa && !UsePss(info))) return FailToSign(signer);
  for (const X509Ptr& certificate : signer.certificates) {
    if (Carries(cms, certificate.get())) continue;
    if (CMS_add1_cert(cms, certificate.get()) != 1) return FailToSign(signer);
  }
  return {};
}

Result<Bytes> ToDer(CMS_ContentInfo* cms) {
  unsigned char* der = nullptr;
  const int size = i2d_CMS_ContentInfo(cms, &der);
  if (size < 0) return Fail(ErrorCode::kFailed, "signing: {}", TakeOpenSslReason());
  Bytes bytes(der, der + size);
  OPENSSL_free(der);
  return bytes;
}

}  // namespace

Result<Bytes> CmsSign(ByteSpan content, const std::vector<Signer>& signers) {
  const ErrorScope scope;
  if (signers.empty()) return Fail(ErrorCode::kFailed, "signing: nobody is named to sign");
  if (content.size() > INT_MAX)
    return Fail(ErrorCode::kFailed, "signing: {} bytes are too many", content.size());
  const CmsPtr cms(CMS_sign(nullptr, nullptr, nullptr, nullptr, CMS_BINARY | CMS_PARTIAL));
  const BioPtr data = ReadingBio(content);
  if (!cms || !data) return Fail(ErrorCode::kFailed, "signing: {}", TakeOpenSslReason());
  for (const Signer& signer : signers) {
    VENEER_TRY(AddSigner(cms.get(), signer.material()));
  }
  if (CMS_final(cms.get(), data.get(), nullptr, CMS_BINARY) != 1) {
    return Fail(ErrorCode::kFailed, "signing: {}", TakeOpenSslReason());
  }
  return ToDer(cms.get());
}

// CMS_final wants a digest, and there is none without a signer: the content is put in by hand.
Result<Bytes> CmsWrapUnsigned(ByteSpan content) {
  const ErrorScope scope;
  if (content.size() > INT_MAX)
    return Fail(ErrorCode::kFailed, "signing: {} bytes are too many", content.size());
  const CmsPtr cms(CMS_sign(nullptr, nullptr, nullptr, nullptr, CMS_BINARY | CMS_PARTIAL));
  ASN1_OCTET_STRING** place = cms ? CMS_get0_content(cms.get()) : nullptr;
  ASN1_OCTET_STRING* text = ASN1_OCTET_STRING_new();
  if (place == nullptr || text == nullptr ||
      ASN1_OCTET_STRING_set(text, content.data(), static_cast<int>(content.size())) != 1) {
    ASN1_OCTET_STRING_free(text);
    return Fail(ErrorCode::kFailed, "signing: {}", TakeOpenSslReason());
  }
  ASN1_OCTET_STRING_free(*place);
  *place = text;
  return ToDer(cms.get());
}

}  // namespace veneer::crypto
