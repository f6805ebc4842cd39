#include "fs/crypto/algorithms.h"
#include "fs/crypto/certificate.h"
#include "fs/crypto/cms.h"
#include "fs/crypto/openssl_error.h"
#include "fs/crypto/pem.h"
#include "fs/crypto/signer_material.h"

namespace veneer::crypto {

Signer::Signer(std::unique_ptr<Material> material) : material_(std::move(material)) {}
Signer::Signer(Signer&&) noexcept = default;
Signer& Signer::operator=(Signer&&) noexcept = default;
Signer::~Signer() = default;

Result<Signer> Signer::Load(const std::string& key_path, const std::string& certificate_path) {
  const ErrorScope scope;
  auto material = std::make_unique<Material>();
  VENEER_ASSIGN(material->key,
                IsKeyUri(key_path) ? ReadStorePrivateKey(key_path) : ReadPemPrivateKey(key_path));
  VENEER_ASSIGN(material->certificates, ReadPemCertificates(certificate_path));
  X509* certificate = material->certificates.front().get();
  if (X509_check_private_key(certificate, material->key.get()) != 1) {
    return Fail(ErrorCode::kCorrupt, "{}: not the key of the certificate {} in {}", key_path,
                SubjectOf(certificate), certificate_path);
  }
  if (const auto objection = ObjectionToSigningKey(material->key.get())) {
    return Fail(ErrorCode::kUnsupported, "{}: {}", key_path, *objection);
  }
  return Signer(std::move(material));
}

}  // namespace veneer::crypto
