// Keys, certificates, revocation lists and messages of a test, made at run time by the openssl program: what
// our code makes is judged by it, and what it makes is judged by our code.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "fs/base/bytes.h"
#include "fs/crypto/cms.h"
#include "fs/crypto/trust_store.h"
#include "fs/io/file_ops.h"
#include "tests/support/catch.h"
#include "tests/support/scratch.h"

namespace veneer::crypto::test {

// The extensions of a certificate, as lines of openssl.cnf.
inline const std::string kAuthority =
    "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n"
    "authorityKeyIdentifier=keyid\n";
inline const std::string kCodeSigner =
    "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=codeSigning\n"
    "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n";

inline constexpr int kDays = 1000;  // that every certificate is valid from now

// A folder with files NAME.key and NAME.pem. Every function REQUIREs that it succeeds.
class Pki {
 public:
  // The path of a file in the folder.
  std::string operator/(const std::string& name) const { return folder_ / name; }

  // A key of `kind`: "EC:P-256", "RSA:2048", "RSA-PSS:2048", "ED25519".
  void MakeKey(const std::string& name, const std::string& kind = "EC:P-256");

  // A certificate of NAME.key (made as EC:P-256 where there is none), issued by `issuer`; by itself where
  // that is its own name. `options` go to `openssl x509 -req`.
  void Certify(const std::string& name, const std::string& issuer, const std::string& extensions,
               const std::vector<std::string>& options = {});

  // A second certificate, `name`, of the key `key`.
  void CertifyAgain(const std::string& name, const std::string& key, const std::string& issuer);

  // "ca" and below it "signer".
  void MakeSimple();

  // `issuer`'s revocation list NAME.pem, which names `revoked`; it is good for `hours`.
  void Revoke(const std::string& name, const std::string& issuer, const std::vector<std::string>& revoked,
              int hours = 24);

  // A trust store with the files `files`: where they go, such as "base.d/ca.pem", and which they are.
  std::shared_ptr<const TrustStore> Trust(const std::map<std::string, std::string>& files,
                                          const std::string& policy = "") const;

  // Writes the file `file` with what NAME.pem of each of `names` holds.
  void Bundle(const std::string& file, const std::vector<std::string>& names) const;

  Signer Load(const std::string& name) const;  // NAME.key and NAME.pem
  std::vector<Signer> LoadAll(const std::vector<std::string>& names) const;

  Bytes Read(const std::string& name) const;
  void Write(const std::string& name, ByteSpan bytes) const;

  // Runs openssl with `arguments`.
  Status OpenSsl(std::vector<std::string> arguments) const;

  // `content` signed by `openssl cms -sign` with NAME.pem and NAME.key, with `options` besides.
  Bytes OpenSslSign(const std::string& content, const std::string& name,
                    const std::vector<std::string>& options = {}) const;

  // Whether `openssl cms -verify` accepts `der` under NAME.pem and puts `content` out.
  Status OpenSslVerify(ByteSpan der, const std::string& authority, const std::string& content) const;

 private:
  veneer::test::Scratch folder_;
  mutable int trust_stores_ = 0;
};

}  // namespace veneer::crypto::test
