// Signing and verifying with CMS SignedData (RFC 5652), the content encapsulated, DER.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "fs/base/bytes.h"
#include "fs/base/error.h"
#include "fs/crypto/trust_store.h"

namespace veneer::crypto {

// A private key with its certificate, and the intermediates that lead from it to a root. Immutable.
class Signer {
 public:
  // `key_path`: a PEM private key, or the URI of one in OpenSSL's STORE (file:, pkcs11: with its provider or
  // engine, ...), where it has a scheme and no file is called so. `certificate_path`: PEM certificates, the
  // signer's own first, then intermediates. kNotFound, kCorrupt (not PEM, an encrypted key, a key that does
  // not belong to the certificate), kUnsupported (a kind or size of key that no verifier of ours would
  // accept: RSA under 2048 bits, ...).
  static Result<Signer> Load(const std::string& key_path, const std::string& certificate_path);

  Signer(Signer&&) noexcept;
  Signer& operator=(Signer&&) noexcept;
  ~Signer();

  struct Material;
  const Material& material() const { return *material_; }

 private:
  explicit Signer(std::unique_ptr<Material> material);
  std::unique_ptr<Material> material_;
};

// `content` signed by every one of `signers` (at least one), as DER. SHA-256 is the message digest. kFailed
// if OpenSSL will not.
Result<Bytes> CmsSign(ByteSpan content, const std::vector<Signer>& signers);

// `content` as SignedData that nobody has signed: the form of a message that is to be signed elsewhere. No
// verifier accepts it. kFailed if OpenSSL will not.
Result<Bytes> CmsWrapUnsigned(ByteSpan content);

// Who signed, as far as a message says.
struct SignerDescription {
  std::string subject;          // of the certificate, RFC 2253
  std::string issuer;           // likewise
  std::string serial;           // lower-case hexadecimal
  std::string key_fingerprint;  // SHA-256 of the SubjectPublicKeyInfo, hexadecimal
  std::string not_after;        // RFC 3339
};

struct CmsContent {
  Bytes content;
  std::vector<SignerDescription> signers;  // each distinct key once
};

// How validity in time is judged (design §7: at install and at the feed, not at mount).
struct TimeCheck {
  static TimeCheck None() { return {}; }
  static TimeCheck At(int64_t unix_seconds) { return {true, unix_seconds}; }

  bool enabled = false;
  int64_t unix_seconds = 0;
};

// Verifies `der` wholly and returns its content: every signature in it is right, every signer's certificate
// chains to a root of `role`, is good for signing code (extended key usage codeSigning, key usage
// digitalSignature where present) and is not on a revocation list, every digest and signature algorithm is on
// the allow-list (SHA-256/384/512; RSA of 2048 bits or more, PKCS#1 or PSS; ECDSA P-256/P-384; Ed25519), and
// at least as many distinct keys signed as the policy asks. kCorrupt: not one CMS SignedData with content and
// nothing behind it, or a signature that does not match. kUntrusted: no chain to a root, wrong purpose, a
// weak algorithm, too few signers. kExpired: outside the validity of a certificate. kRevoked. Content is
// never returned beside an error.
Result<CmsContent> CmsVerify(ByteSpan der, const TrustStore& trust, Role role, TimeCheck time);

// The content and the signers, where every signature in `der` matches the certificate that comes with it and
// is of an allowed algorithm. Who the signers are, nobody has judged: for whoever makes messages, and never
// for a decision. kCorrupt, kUntrusted as CmsVerify.
Result<CmsContent> CmsCheckSignatures(ByteSpan der);

// The content and the claimed signers, with nothing verified: for showing to a person, and for nothing else.
Result<CmsContent> CmsShowUnverified(ByteSpan der);

}  // namespace veneer::crypto
