#include "fs/crypto/algorithms.h"

#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/objects.h>
#include <openssl/rsa.h>

#include <array>

#include "fs/crypto/openssl_handles.h"

namespace veneer::crypto {
namespace {

constexpr int kMinRsaBits = 2048;

using Objection = std::optional<std::string>;
using PssParametersPtr = std::unique_ptr<RSA_PSS_PARAMS, OpenSslDeleter<RSA_PSS_PARAMS_free>>;
using AlgorithmPtr = std::unique_ptr<X509_ALGOR, OpenSslDeleter<X509_ALGOR_free>>;

// What OpenSSL calls the algorithm with number `nid`.
std::string AlgorithmName(int nid) {
  const char* name = nid == NID_undef ? nullptr : OBJ_nid2ln(nid);
  return name != nullptr ? name : "an unknown algorithm";
}

int NidOf(const X509_ALGOR* algorithm) {
  const ASN1_OBJECT* object = nullptr;
  X509_ALGOR_get0(&object, nullptr, nullptr, algorithm);
  return OBJ_obj2nid(object);
}

bool IsAllowedDigest(int nid) {
  return nid == NID_sha256 || nid == NID_sha384 || nid == NID_sha512;
}

Objection ObjectionToDigest(int nid) {
  if (IsAllowedDigest(nid)) return std::nullopt;
  return fmt::format("the digest is {}, not SHA-256, SHA-384 or SHA-512", AlgorithmName(nid));
}

Objection ObjectionToCurve(const EVP_PKEY* key) {
  std::array<char, 64> name{};
  int is_explicit = 0;
  if (EVP_PKEY_get_group_name(key, name.data(), name.size(), nullptr) != 1 ||
      EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &is_explicit) != 1 ||
      is_explicit != 0) {
    return "the key is on a curve without a name";
  }
  const int nid = OBJ_txt2nid(name.data());
  if (nid == NID_X9_62_prime256v1 || nid == NID_secp384r1) return std::nullopt;
  return fmt::format("the key is on the curve {}, not P-256 or P-384", name.data());
}

// The digest that the RSASSA-PSS parameters of `algorithm` name, and the one of their mask function, which
// has to be the same one. NID_undef where there are none, or others: RFC 4055's default is SHA-1.
int PssDigest(const X509_ALGOR* algorithm) {
  int type = V_ASN1_UNDEF;
  const void* value = nullptr;
  X509_ALGOR_get0(nullptr, &type, &value, algorithm);
  if (type != V_ASN1_SEQUENCE) return NID_undef;
  const auto* sequence = static_cast<const ASN1_STRING*>(value);
  const unsigned char* at = ASN1_STRING_get0_data(sequence);
  const PssParametersPtr parameters(d2i_RSA_PSS_PARAMS(nullptr, &at, ASN1_STRING_length(sequence)));
  if (!parameters || parameters->hashAlgorithm == nullptr || parameters->maskGenAlgorithm == nullptr) {
    return NID_undef;
  }
  if (NidOf(parameters->maskGenAlgorithm) != NID_mgf1) return NID_undef;
  X509_ALGOR_get0(nullptr, &type, &value, parameters->maskGenAlgorithm);
  if (type != V_ASN1_SEQUENCE) return NID_undef;
  const auto* mask = static_cast<const ASN1_STRING*>(value);
  at = ASN1_STRING_get0_data(mask);
  const AlgorithmPtr mask_digest(d2i_X509_ALGOR(nullptr, &at, ASN1_STRING_length(mask)));
  const int digest = NidOf(parameters->hashAlgorithm);
  return mask_digest && NidOf(mask_digest.get()) == digest ? digest : NID_undef;
}

// What `algorithm` signs with: the digest, NID_undef where it names none of its own, and the kind of key.
struct SignatureAlgorithm {
  int digest = NID_undef;
  int key = NID_undef;
};

SignatureAlgorithm Decode(const X509_ALGOR* algorithm) {
  const int nid = NidOf(algorithm);
  if (nid == NID_rsassaPss) return {PssDigest(algorithm), NID_rsassaPss};
  if (nid == NID_rsaEncryption) return {NID_undef, NID_rsaEncryption};
  SignatureAlgorithm decoded;
  OBJ_find_sigid_algs(nid, &decoded.digest, &decoded.key);
  return decoded;
}

bool IsAllowedKeyKind(int nid) {
  return nid == NID_rsaEncryption || nid == NID_rsassaPss || nid == NID_X9_62_id_ecPublicKey;
}

}  // namespace

Objection ObjectionToKey(const EVP_PKEY* key) {
  if (key == nullptr) return "the key cannot be read";
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS:
      if (EVP_PKEY_get_bits(key) >= kMinRsaBits) return std::nullopt;
      return fmt::format("the RSA key has {} bits, fewer than {}", EVP_PKEY_get_bits(key), kMinRsaBits);
    case EVP_PKEY_EC:
      return ObjectionToCurve(key);
    case EVP_PKEY_ED25519:
      return std::nullopt;
    default:
      return fmt::format("the key is of the kind {}, not RSA, EC or Ed25519",
                         AlgorithmName(EVP_PKEY_get_base_id(key)));
  }
}

Objection ObjectionToSigningKey(const EVP_PKEY* key) {
  if (key != nullptr && EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519) {
    return "the key is of the kind Ed25519, with which OpenSSL 3.0 signs and verifies no CMS message";
  }
  return ObjectionToKey(key);
}

Objection ObjectionToCertificateSignature(X509* certificate) {
  const X509_ALGOR* algorithm = nullptr;
  X509_get0_signature(nullptr, &algorithm, certificate);
  const SignatureAlgorithm decoded = Decode(algorithm);
  if (decoded.key == NID_ED25519) return std::nullopt;
  if (!IsAllowedKeyKind(decoded.key)) {
    return fmt::format("it is signed with {}", AlgorithmName(NidOf(algorithm)));
  }
  return ObjectionToDigest(decoded.digest);
}

Objection ObjectionToSignerAlgorithms(CMS_SignerInfo* signer) {
  X509_ALGOR* digest = nullptr;
  X509_ALGOR* signature = nullptr;
  CMS_SignerInfo_get0_algs(signer, nullptr, nullptr, &digest, &signature);
  const int digest_nid = NidOf(digest);
  if (Objection objection = ObjectionToDigest(digest_nid)) return objection;

  const SignatureAlgorithm decoded = Decode(signature);
  if (!IsAllowedKeyKind(decoded.key)) {
    return fmt::format("the signature is {}", AlgorithmName(NidOf(signature)));
  }
  // rsaEncryption names no digest of its own: the SignerInfo's is the one.
  if (decoded.key != NID_rsaEncryption || decoded.digest != NID_undef) {
    if (decoded.digest != digest_nid) {
      return fmt::format("the signature is over {}, and not over the message's {}",
                         AlgorithmName(decoded.digest), AlgorithmName(digest_nid));
    }
  }
  return std::nullopt;
}

}  // namespace veneer::crypto
