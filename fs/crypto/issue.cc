#include "fs/crypto/issue.h"

#include "fs/crypto/openssl_error.h"

namespace veneer::crypto {
namespace {

constexpr int kSerialBits = 127;  // a positive number of 16 bytes

using ExtensionPtr = std::unique_ptr<X509_EXTENSION, OpenSslDeleter<X509_EXTENSION_free>>;

bool SetRandomSerial(X509* certificate) {
  const BignumPtr serial(BN_new());
  return serial && BN_rand(serial.get(), kSerialBits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
         BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool SetSubject(X509* certificate, const std::string& common_name) {
  return X509_NAME_add_entry_by_NID(X509_get_subject_name(certificate), NID_commonName, MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(common_name.data()),
                                    static_cast<int>(common_name.size()), -1, 0) == 1;
}

bool SetValidity(X509* certificate, Validity validity) {
  return ASN1_TIME_set(X509_getm_notBefore(certificate), validity.begin) != nullptr &&
         ASN1_TIME_set(X509_getm_notAfter(certificate), validity.end) != nullptr;
}

bool AddExtensions(X509* certificate, X509* issuer, std::span<const Extension> extensions) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  for (const Extension& extension : extensions) {
    const ExtensionPtr made(X509V3_EXT_nconf_nid(nullptr, &context, extension.nid, extension.value));
    if (!made || X509_add_ext(certificate, made.get(), -1) != 1) return false;
  }
  return true;
}

}  // namespace

Result<X509Ptr> IssueCertificate(const std::string& common_name, EVP_PKEY* key, const Authority* authority,
                                 std::span<const Extension> extensions, Validity validity) {
  X509Ptr certificate(X509_new());
  if (!certificate) return Fail(ErrorCode::kFailed, "certificate: {}", TakeOpenSslReason());
  if (!SetSubject(certificate.get(), common_name)) {
    return Fail(ErrorCode::kUsage, "name of a certificate \"{}\": {}", common_name, TakeOpenSslReason());
  }
  X509* issuer = authority != nullptr ? authority->certificate : certificate.get();
  EVP_PKEY* issuer_key = authority != nullptr ? authority->key : key;
  const bool made = X509_set_version(certificate.get(), X509_VERSION_3) == 1 &&
                    SetRandomSerial(certificate.get()) && SetValidity(certificate.get(), validity) &&
                    X509_set_pubkey(certificate.get(), key) == 1 &&
                    X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuer)) == 1 &&
                    AddExtensions(certificate.get(), issuer, extensions) &&
                    X509_sign(certificate.get(), issuer_key, EVP_sha256()) > 0;
  if (!made) return Fail(ErrorCode::kFailed, "certificate of {}: {}", common_name, TakeOpenSslReason());
  return certificate;
}

}  // namespace veneer::crypto
