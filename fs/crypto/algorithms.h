// The allow-list of algorithms: SHA-256/384/512; RSA of 2048 bits or more, PKCS#1 v1.5 or PSS; ECDSA on P-256
// and P-384; Ed25519 on certificates. What is not listed is refused, whatever OpenSSL would take.
//
// Each function returns what is wrong, for a message, and nothing where all is well.
#pragma once

#include <openssl/cms.h>
#include <openssl/x509.h>

#include <optional>
#include <string>

namespace veneer::crypto {

// What keeps `key` from being relied on in a chain.
std::optional<std::string> ObjectionToKey(const EVP_PKEY* key);

// What keeps `key` from signing messages. As ObjectionToKey, and Ed25519 is refused: OpenSSL 3.0's CMS can
// neither make such a signature nor verify one.
std::optional<std::string> ObjectionToSigningKey(const EVP_PKEY* key);

// What keeps the signature that an issuer put on `certificate` from being relied on.
std::optional<std::string> ObjectionToCertificateSignature(X509* certificate);

// What keeps the algorithms that `signer` names for its digest and signature from being relied on. The two
// must speak of the same digest.
std::optional<std::string> ObjectionToSignerAlgorithms(CMS_SignerInfo* signer);

}  // namespace veneer::crypto
