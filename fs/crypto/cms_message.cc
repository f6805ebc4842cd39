#include "fs/crypto/cms_message.h"

#include <openssl/asn1.h>

#include "fs/crypto/openssl_error.h"

namespace veneer::crypto {
namespace {

// That `der` is one SEQUENCE with a definite length that fills it to its last byte.
Status CheckFraming(ByteSpan der) {
  if (der.empty()) return Fail(ErrorCode::kCorrupt, "signature: there are no bytes");
  if (der.size() > kMaxCmsMessageSize) {
    return Fail(ErrorCode::kCorrupt, "signature: has {} bytes, more than the {} allowed", der.size(),
                kMaxCmsMessageSize);
  }
  const unsigned char* at = der.data();
  long length = 0;
  int tag = 0;
  int kind = 0;
  const int form = ASN1_get_object(&at, &length, &tag, &kind, static_cast<long>(der.size()));
  if ((form & 0x80) != 0 || tag != V_ASN1_SEQUENCE || kind != V_ASN1_UNIVERSAL) {
    return Fail(ErrorCode::kCorrupt, "signature: not a CMS message, or cut short");
  }
  if ((form & 1) != 0) return Fail(ErrorCode::kCorrupt, "signature: in BER with an open length, not in DER");
  const size_t end = static_cast<size_t>(at - der.data()) + static_cast<size_t>(length);
  if (end != der.size()) {
    return Fail(ErrorCode::kCorrupt, "signature: {} bytes behind the end of the message", der.size() - end);
  }
  return {};
}

// The number of digests that verifying `cms` would compute over all of its content, as its own list of them
// asks, which is not signed. Negative if one of them is not known.
int CountDigests(CMS_ContentInfo* cms) {
  const BioPtr chain(CMS_dataInit(cms, nullptr));
  if (!chain) return -1;
  int count = 0;
  for (BIO* bio = chain.get(); bio != nullptr; bio = BIO_next(bio)) {
    if (BIO_method_type(bio) == BIO_TYPE_MD) ++count;
  }
  return count;
}

Status CheckForm(CMS_ContentInfo* cms) {
  if (OBJ_obj2nid(CMS_get0_type(cms)) != NID_pkcs7_signed) {
    return Fail(ErrorCode::kCorrupt, "signature: a CMS message, but not SignedData");
  }
  if (OBJ_obj2nid(CMS_get0_eContentType(cms)) != NID_pkcs7_data) {
    return Fail(ErrorCode::kCorrupt, "signature: its content is not of the type data");
  }
  ASN1_OCTET_STRING** content = CMS_get0_content(cms);
  if (content == nullptr || *content == nullptr) {
    return Fail(ErrorCode::kCorrupt, "signature: detached, without the content that it signs");
  }
  return {};
}

Status CheckLimits(CMS_ContentInfo* cms, STACK_OF(CMS_SignerInfo) * signers, STACK_OF(X509) * certificates) {
  if (sk_CMS_SignerInfo_num(signers) > kMaxCmsSigners) {
    return Fail(ErrorCode::kCorrupt, "signature: has {} signers, more than {}",
                sk_CMS_SignerInfo_num(signers), kMaxCmsSigners);
  }
  if (sk_X509_num(certificates) > kMaxCmsCertificates) {
    return Fail(ErrorCode::kCorrupt, "signature: carries {} certificates, more than {}",
                sk_X509_num(certificates), kMaxCmsCertificates);
  }
  if (sk_CMS_SignerInfo_num(signers) <= 0) return {};
  const int digests = CountDigests(cms);
  if (digests < 0) {
    return Fail(ErrorCode::kCorrupt, "signature: its digests: {}", TakeOpenSslReason());
  }
  if (digests > kMaxCmsDigests) {
    return Fail(ErrorCode::kCorrupt, "signature: lists {} digests, more than {}", digests, kMaxCmsDigests);
  }
  return {};
}

}  // namespace

Result<CmsMessage> ParseCms(ByteSpan der) {
  VENEER_TRY(CheckFraming(der));
  const unsigned char* at = der.data();
  CmsMessage message;
  message.cms.reset(d2i_CMS_ContentInfo(nullptr, &at, static_cast<long>(der.size())));
  if (!message.cms || at != der.data() + der.size()) {
    return Fail(ErrorCode::kCorrupt, "signature: not a CMS message: {}", TakeOpenSslReason());
  }
  VENEER_TRY(CheckForm(message.cms.get()));

  STACK_OF(CMS_SignerInfo)* signers = CMS_get0_SignerInfos(message.cms.get());
  message.certificates.reset(CMS_get1_certs(message.cms.get()));
  if (!message.certificates) message.certificates.reset(sk_X509_new_null());
  if (!message.certificates) return Fail(ErrorCode::kFailed, "signature: OpenSSL has no memory for it");
  VENEER_TRY(CheckLimits(message.cms.get(), signers, message.certificates.get()));
  for (int i = 0; i < sk_CMS_SignerInfo_num(signers); ++i) {
    message.signers.push_back(sk_CMS_SignerInfo_value(signers, i));
  }
  return message;
}

ByteSpan ContentOf(const CmsMessage& message) {
  const ASN1_OCTET_STRING* content = *CMS_get0_content(message.cms.get());
  return {ASN1_STRING_get0_data(content), static_cast<size_t>(ASN1_STRING_length(content))};
}

}  // namespace veneer::crypto
