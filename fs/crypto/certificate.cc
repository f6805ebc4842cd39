#include "fs/crypto/certificate.h"

#include <openssl/core_names.h>

#include <ctime>

#include "fs/crypto/openssl_error.h"
#include "fs/crypto/openssl_handles.h"
#include "fs/crypto/sha256.h"
#include "fs/format/utc_time.h"

namespace veneer::crypto {
namespace {

constexpr size_t kMaxSubjectInMessage = 200;  // characters

std::string TimeText(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return "";
  return format::FormatUtcTime(::timegm(&parts));
}

std::string KeyFingerprint(const X509* certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
  if (size < 0) return "";
  std::string fingerprint = ToHex(Sha256(ByteSpan(der, static_cast<size_t>(size))));
  OPENSSL_free(der);
  return fingerprint;
}

BignumPtr NumberOf(const EVP_PKEY* key, const char* parameter) {
  BIGNUM* number = nullptr;
  if (EVP_PKEY_get_bn_param(key, parameter, &number) != 1) return nullptr;
  return BignumPtr(number);
}

}  // namespace

std::string NameText(const X509_NAME* name) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (!bio || X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253) < 0) return "";
  return std::string(AsText(WrittenBytes(bio.get())));
}

std::string SubjectOf(const X509* certificate) {
  std::string subject = NameText(X509_get_subject_name(certificate));
  if (subject.empty()) return "(no name)";
  if (subject.size() > kMaxSubjectInMessage) subject.replace(kMaxSubjectInMessage, std::string::npos, "...");
  return subject;
}

std::string SerialText(const ASN1_INTEGER* number) {
  const BignumPtr value(ASN1_INTEGER_to_BN(number, nullptr));
  char* hex = value ? BN_bn2hex(value.get()) : nullptr;
  if (hex == nullptr) return "";
  std::string text = hex;
  OPENSSL_free(hex);
  for (char& c : text) c = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

SignerDescription Describe(const X509* certificate) {
  SignerDescription description;
  description.subject = NameText(X509_get_subject_name(certificate));
  description.issuer = NameText(X509_get_issuer_name(certificate));
  description.serial = SerialText(X509_get0_serialNumber(certificate));
  description.key_fingerprint = KeyFingerprint(certificate);
  description.not_after = TimeText(X509_get0_notAfter(certificate));
  return description;
}

bool SameKey(const EVP_PKEY* a, const EVP_PKEY* b) {
  if (a == nullptr || b == nullptr) return false;
  // A modulus, and the x of a point, each belong to one private key up to its sign.
  for (const char* parameter : {OSSL_PKEY_PARAM_RSA_N, OSSL_PKEY_PARAM_EC_PUB_X}) {
    const BignumPtr of_a = NumberOf(a, parameter);
    const BignumPtr of_b = NumberOf(b, parameter);
    if (of_a && of_b) return BN_cmp(of_a.get(), of_b.get()) == 0;
  }
  return EVP_PKEY_eq(a, b) == 1;
}

}  // namespace veneer::crypto
