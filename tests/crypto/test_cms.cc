#include <openssl/pem.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <ctime>
#include <thread>

#include "fs/crypto/cms.h"
#include "fs/crypto/issue.h"
#include "fs/crypto/openssl_handles.h"
#include "fs/crypto/pem.h"
#include "tests/crypto/pki.h"

namespace veneer::crypto {
namespace {

using test::kAuthority;
using test::kCodeSigner;
using test::Pki;

const std::string kContent = "{\"schema\": 1}\n\r\n\xC3\xA4";

Bytes Sign(const Pki& pki, const std::vector<std::string>& names, const std::string& content = kContent) {
  auto der = CmsSign(AsBytes(content), pki.LoadAll(names));
  REQUIRE_OK(der);
  return std::move(*der);
}

// Requires that `der` is accepted for the role base and holds `content`; returns who signed.
std::vector<SignerDescription> RequireAccepted(ByteSpan der, const TrustStore& trust,
                                               const std::string& content = kContent) {
  auto verified = CmsVerify(der, trust, Role::kBase, TimeCheck::None());
  REQUIRE_OK(verified);
  CHECK(AsText(verified->content) == content);
  return std::move(verified->signers);
}

// Requires that `der` is refused with `code` and a message that says `word`.
void RequireRefused(ErrorCode code, const std::string& word, ByteSpan der, const TrustStore& trust,
                    Role role = Role::kBase, TimeCheck time = TimeCheck::None()) {
  const auto verified = CmsVerify(der, trust, role, time);
  REQUIRE_FAILS(code, verified);
  INFO(verified.error().message());
  CHECK(verified.error().message().find(word) != std::string::npos);
  CHECK(verified.error().message().find('\n') == std::string::npos);
}

}  // namespace

TEST_CASE("what we sign, openssl verifies, and what it signs, we do", "[cms]") {
  Pki pki;
  for (const char* kind : {"EC:P-256", "EC:P-384", "RSA:2048", "RSA-PSS:2048"}) {
    INFO(kind);
    pki.MakeKey(kind, kind);
    pki.Certify("ca", "ca", kAuthority);
    pki.Certify(kind, "ca", kCodeSigner);
    const auto trust = pki.Trust({{"base.d/ca.pem", "ca.pem"}});

    const Bytes ours = Sign(pki, {kind});
    CHECK(pki.OpenSslVerify(ours, "ca", kContent).has_value());
    RequireAccepted(ours, *trust);

    for (const char* digest : {"sha256", "sha384", "sha512"}) {
      std::vector<std::string> options = {"-md", digest};
      // openssl has to be told, or it names PKCS #1 for a key that cannot be used so.
      if (kind == std::string("RSA-PSS:2048"))
        options.insert(options.end(), {"-keyopt", "rsa_padding_mode:pss"});
      RequireAccepted(pki.OpenSslSign(kContent, kind, options), *trust);
      options.push_back("-keyid");
      RequireAccepted(pki.OpenSslSign(kContent, kind, options), *trust);
    }
  }
}

TEST_CASE("an RSA key signs with PSS and may have signed with PKCS #1", "[cms]") {
  Pki pki;
  pki.MakeKey("signer", "RSA:2048");
  pki.MakeSimple();
  const auto trust = pki.Trust({{"base.d/ca.pem", "ca.pem"}});
  const Bytes ours = Sign(pki, {"signer"});
  const Bytes pss_oid = {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0A};
  CHECK(std::search(ours.begin(), ours.end(), pss_oid.begin(), pss_oid.end()) != ours.end());
  const Bytes pkcs1 = pki.OpenSslSign(kContent, "signer");
  CHECK(std::search(pkcs1.begin(), pkcs1.end(), pss_oid.begin(), pss_oid.end()) == pkcs1.end());
  RequireAccepted(pkcs1, *trust);
  RequireAccepted(pki.OpenSslSign(kContent, "signer", {"-keyopt", "rsa_padding_mode:pss"}), *trust);
  RequireRefused(
      ErrorCode::kUntrusted, "",
      pki.OpenSslSign(kContent, "signer", {"-keyopt", "rsa_padding_mode:pss", "-keyopt", "rsa_mgf1_md:sha1"}),
      *trust);
}

TEST_CASE("any content comes back as it was", "[cms]") {
  Pki pki;
  pki.MakeSimple();
  const auto trust = pki.Trust({{"base.d/ca.pem", "ca.pem"}});
  for (const std::string& content : {std::string(), std::string(1, '\0'), std::string("a\r\nb\nc\r"),
                                     std::string(3 << 20, 'x'), std::string("\x1A\x04\n.\n", 5)}) {
    RequireAccepted(Sign(pki, {"signer"}, content), *trust, content);
  }
}

TEST_CASE("a verified message says who signed", "[cms]") {
  Pki pki;
  pki.Certify("ca", "ca", kAuthority);
  pki.Certify("signer", "ca", kCodeSigner, {"-set_serial", "0x0BADCAFE"});
  const auto trust = pki.Trust({{"base.d/ca.pem", "ca.pem"}});
  const auto signers = RequireAccepted(Sign(pki, {"signer"}), *trust);
  REQUIRE(signers.size() == 1);
  CHECK(signers[0].subject == "CN=signer,O=Veneer test");
  CHECK(signers[0].issuer == "CN=ca,O=Veneer test");
  CHECK(signers[0].serial == "0badcafe");
  CHECK(signers[0].not_after.size() == 20);
  // The same digest by openssl.
  REQUIRE_OK(pki.OpenSsl({"x509", "-in", pki / "signer.pem", "-pubkey", "-noout", "-out", pki / "pub.pem"}));
  REQUIRE_OK(pki.OpenSsl({"pkey", "-pubin", "-in", pki / "pub.pem", "-outform", "DER", "-out", pki / "pub"}));
  REQUIRE_OK(pki.OpenSsl({"dgst", "-sha256", "-r", "-out", pki / "sum", pki / "pub"}));
  CHECK(AsText(pki.Read("sum")).substr(0, 64) == signers[0].key_fingerprint);
}

TEST_CASE("what is not one signed message in DER is corrupt", "[cms]") {
  Pki pki;
  pki.MakeSimple();
  const auto trust = pki.Trust({{"base.d/ca.pem", "ca.pem"}});
  const Bytes good = Sign(pki, {"signer"});
  const auto refuse = [&](const Bytes& der) { RequireRefused(ErrorCode::kCorrupt, "", der, *trust); };

  refuse({});
  refuse({0x30});
  refuse({0x30, 0x80, 0, 0});
  refuse(Bytes(1000, 0xFF));
  const ByteSpan text = AsBytes("not a message at all");
  refuse(Bytes(text.begin(), text.end()));
  for (const size_t size : {good.size() - 1, good.size() / 2, size_t{5}}) {
    refuse(Bytes(good.begin(), good.begin() + static_cast<ptrdiff_t>(size)));
  }
  Bytes longer = good;
  longer.push_back(0);
  refuse(longer);
  Bytes twice = good;
  twice.insert(twice.end(), good.begin(), good.end());
  refuse(twice);
  refuse(pki.Read("ca.pem"));
  REQUIRE_OK(pki.OpenSsl({"x509", "-in", pki / "ca.pem", "-outform", "DER", "-out", pki / "ca.der"}));
  refuse(pki.Read("ca.der"));
  refuse(pki.OpenSslSign(kContent, "signer", {"-stream"}));
  refuse(pki.OpenSslSign(kContent, "signer", {"-noattr"}));
  refuse(pki.OpenSslSign(kContent, "signer", {"-econtent_type", "1.2.840.113549.1.9.16.1.4"}));
  refuse(Bytes(17 << 20, 0x30));
}

TEST_CASE("a message of another CMS type, or detached, is corrupt", "[cms]") {
  Pki pki;
  pki.MakeSimple();
  const auto trust = pki.Trust({{"base.d/ca.pem", "ca.pem"}});
  pki.Write("content", AsBytes(kContent));
  for (const char* operation : {"-data_create", "-digest_create"}) {
    INFO(operation);
    REQUIRE_OK(pki.OpenSsl(
        {"cms", operation, "-binary", "-in", pki / "content", "-outform", "DER", "-out", pki / "message"}));
    RequireRefused(ErrorCode::kCorrupt, "SignedData", pki.Read("message"), *trust);
  }
  REQUIRE_OK(pki.OpenSsl({"cms", "-sign", "-binary", "-in", pki / "content", "-outform", "DER", "-out",
                          pki / "message", "-signer", pki / "signer.pem", "-inkey", pki / "signer.key"}));
  RequireRefused(ErrorCode::kCorrupt, "detached", pki.Read("message"), *trust);
}

TEST_CASE("a message that nobody signed is not trusted", "[cms]") {
  Pki pki;
  pki.MakeSimple();
  const auto trust = pki.Trust({{"base.d/ca.pem", "ca.pem"}});
  // SignedData of version 1: no digests, data "x", no certificates, no signers.
  const Bytes der = {0x30, 0x28, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x02, 0xA0,
                     0x1B, 0x30, 0x19, 0x02, 0x01, 0x01, 0x31, 0x00, 0x30, 0x10, 0x06, 0x09, 0x2A, 0x86,
                     0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x01, 0xA0, 0x03, 0x04, 0x01, 'x',  0x31, 0x00};
  RequireRefused(ErrorCode::kUntrusted, "nobody", der, *trust);
  const auto shown = CmsShowUnverified(der);
  REQUIRE_OK(shown);
  CHECK(AsText(shown->content) == "x");
  CHECK(shown->signers.empty());
}

TEST_CASE("no changed byte of a message changes what is read from it", "[cms]") {
  Pki pki;
  pki.MakeSimple();
  const auto trust = pki.Trust({{"base.d/ca.pem", "ca.pem"}});
  const Bytes good = Sign(pki, {"signer"});
  const auto signer = RequireAccepted(good, *trust);
  size_t accepted = 0;
  for (size_t i = 0; i < good.size(); ++i) {
    for (const uint8_t mask : Bytes{0x01, 0x20, 0x80, 0xFF}) {
      Bytes changed = good;
      changed[i] ^= mask;
      const auto verified = CmsVerify(changed, *trust, Role::kBase, TimeCheck::None());
      if (!verified) continue;
      ++accepted;
      INFO("byte " << i << " ^ " << int{mask});
      REQUIRE(AsText(verified->content) == kContent);
      REQUIRE(verified->signers.at(0).key_fingerprint == signer.at(0).key_fingerprint);
    }
  }
  // What nothing covers and nothing depends on: numbers of versions, the case of the letters of the name
  // that a signer's certificate is found by, and bits of the encoding that OpenSSL passes over.
  CHECK(accepted < 64);
}

TEST_CASE("a role trusts its own roots alone", "[cms]") {
  Pki pki;
  pki.MakeSimple();
  pki.Certify("other", "other", kAuthority);
  const Bytes der = Sign(pki, {"signer"});
  const auto trust = pki.Trust({{"base.d/ca.pem", "ca.pem"}, {"patch.d/other.pem", "other.pem"}});
  RequireAccepted(der, *trust);
  RequireRefused(ErrorCode::kUntrusted, "signer", der, *trust, Role::kPatch);
  RequireRefused(ErrorCode::kUntrusted, "feed.d", der, *trust, Role::kFeed);
  // A root of the same name with another key.
  Pki impostor;
  impostor.MakeSimple();
  RequireRefused(ErrorCode::kUntrusted, "signer", Sign(impostor, {"signer"}), *trust);
}

TEST_CASE("a root that the message brings along is not trusted", "[cms]") {
  Pki pki;
  pki.MakeSimple();
  pki.Certify("other", "other", kAuthority);
  pki.Bundle("signer.pem", {"signer", "ca"});
  const auto trust = pki.Trust({{"base.d/other.pem", "other.pem"}});
  RequireRefused(ErrorCode::kUntrusted, "", Sign(pki, {"signer"}), *trust);
}

TEST_CASE("a signer's certificate has to be made for signing code", "[cms]") {
  Pki pki;
  pki.Certify("ca", "ca", kAuthority);
  const auto trust = pki.Trust({{"base.d/ca.pem", "ca.pem"}});
  const std::string common =
      "basicConstraints=critical,CA:FALSE\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n";
  const std::string sign = "keyUsage=critical,digitalSignature\n";
  const std::vector<std::pair<std::string, std::string>> refused = {
      {"no-eku", common + sign},
      {"server", common + sign + "extendedKeyUsage=serverAuth\n"},
      {"email", common + sign + "extendedKeyUsage=emailProtection\n"},
      {"any", common + sign + "extendedKeyUsage=anyExtendedKeyUsage\n"},
      {"encipher", common + "keyUsage=critical,keyEncipherment\nextendedKeyUsage=codeSigning\n"},
  };
  for (const auto& [name, extensions] : refused) {
    INFO(name);
    pki.Certify(name, "ca", extensions);
    RequireRefused(ErrorCode::kUntrusted, name, Sign(pki, {name}), *trust);
  }
  pki.Certify("no-ku", "ca", common + "extendedKeyUsage=codeSigning\n");
  RequireAccepted(Sign(pki, {"no-ku"}), *trust);
}

TEST_CASE("intermediates come with the message, and are CAs for signing code", "[cms]") {
  Pki pki;
  pki.Certify("ca", "ca", kAuthority);
  pki.Certify("middle", "ca", kAuthority);
  pki.Certify("signer", "middle", kCodeSigner);
  const auto trust = pki.Trust({{"base.d/ca.pem", "ca.pem"}});
  RequireRefused(ErrorCode::kUntrusted, "signer", Sign(pki, {"signer"}), *trust);
  pki.Bundle("signer.pem", {"signer", "middle"});
  const Bytes der = Sign(pki, {"signer"});
  RequireAccepted(der, *trust);
  CHECK(pki.OpenSslVerify(der, "ca", kContent).has_value());

  pki.Certify("tls", "ca", kAuthority + "extendedKeyUsage=serverAuth\n");
  pki.Certify("below-tls", "tls", kCodeSigner);
  pki.Bundle("below-tls.pem", {"below-tls", "tls"});
  RequireRefused(ErrorCode::kUntrusted, "tls", Sign(pki, {"below-tls"}), *trust);

  pki.Certify("below-signer", "signer", kCodeSigner);
  pki.Bundle("below-signer.pem", {"below-signer", "signer", "middle"});
  RequireRefused(ErrorCode::kUntrusted, "", Sign(pki, {"below-signer"}), *trust);
}

TEST_CASE("a pinned intermediate or signer is a root of its own", "[cms]") {
  Pki pki;
  pki.Certify("ca", "ca", kAuthority);
  pki.Certify("middle", "ca", kAuthority);
  pki.Certify("signer", "middle", kCodeSigner);
  pki.Certify("sibling", "middle", kCodeSigner);
  pki.Certify("self", "self", kCodeSigner);
  const Bytes der = Sign(pki, {"signer"});
  RequireAccepted(der, *pki.Trust({{"base.d/middle.pem", "middle.pem"}}));
  const auto pinned = pki.Trust({{"base.d/signer.pem", "signer.pem"}});
  RequireAccepted(der, *pinned);
  RequireAccepted(pki.OpenSslSign(kContent, "signer", {"-nocerts"}), *pinned);
  RequireRefused(ErrorCode::kUntrusted, "sibling", Sign(pki, {"sibling"}), *pinned);
  RequireAccepted(Sign(pki, {"self"}), *pki.Trust({{"base.d/self.pem", "self.pem"}}));
  RequireRefused(ErrorCode::kUntrusted, "not with it", pki.OpenSslSign(kContent, "sibling", {"-nocerts"}),
                 *pki.Trust({{"base.d/ca.pem", "ca.pem"}}));
}

TEST_CASE("validity in time counts only where it is asked for", "[cms]") {
  Pki pki;
  pki.MakeSimple();
  const auto trust = pki.Trust({{"base.d/ca.pem", "ca.pem"}});
  const Bytes der = Sign(pki, {"signer"});
  const int64_t now = ::time(nullptr);
  const auto at = [&](int days) { return TimeCheck::At(now + int64_t{days} * 86400); };
  for (const int days : {1, test::kDays - 1}) {
    CHECK(CmsVerify(der, *trust, Role::kBase, at(days)).has_value());
  }
  RequireRefused(ErrorCode::kExpired, "expired", der, *trust, Role::kBase, at(test::kDays + 1));
  RequireRefused(ErrorCode::kExpired, "not yet", der, *trust, Role::kBase, at(-1));
  RequireRefused(ErrorCode::kExpired, "not yet", der, *trust, Role::kBase, TimeCheck::At(0));
  RequireRefused(ErrorCode::kExpired, "expired", der, *trust, Role::kBase, at(50 * 365));
  RequireAccepted(der, *trust);
}

TEST_CASE("weak and foreign algorithms are refused", "[cms]") {
  Pki pki;
  pki.MakeSimple();
  const auto trust = pki.Trust({{"base.d/ca.pem", "ca.pem"}});
  for (const char* digest : {"sha1", "sha224"}) {
    INFO(digest);
    RequireRefused(ErrorCode::kUntrusted, "SHA-256", pki.OpenSslSign(kContent, "signer", {"-md", digest}),
                   *trust);
  }
  for (const char* kind : {"RSA:1024", "EC:P-521", "EC:secp256k1", "EC:P-224"}) {
    INFO(kind);
    pki.MakeKey(kind, kind);
    pki.Certify(kind, "ca", kCodeSigner);
    RequireRefused(ErrorCode::kUntrusted, kind, pki.OpenSslSign(kContent, kind, {"-md", "sha256"}), *trust);
    CHECK(
        Signer::Load(pki / (std::string(kind) + ".key"), pki / (std::string(kind) + ".pem")).error().code() ==
        ErrorCode::kUnsupported);
  }
}

TEST_CASE("weak algorithms above the signer are refused too", "[cms]") {
  Pki pki;
  pki.MakeKey("weak", "RSA:1024");
  pki.Certify("weak", "weak", kAuthority);
  pki.Certify("below-weak", "weak", kCodeSigner);
  RequireRefused(ErrorCode::kUntrusted, "weak", Sign(pki, {"below-weak"}),
                 *pki.Trust({{"base.d/weak.pem", "weak.pem"}}));

  pki.Certify("ca", "ca", kAuthority, {"-sha1"});  // a root's own signature is not relied on
  pki.Certify("good", "ca", kCodeSigner);
  pki.Certify("sha1", "ca", kCodeSigner, {"-sha1"});
  const auto trust = pki.Trust({{"base.d/ca.pem", "ca.pem"}});
  RequireAccepted(Sign(pki, {"good"}), *trust);
  RequireRefused(ErrorCode::kUntrusted, "sha1", Sign(pki, {"sha1"}), *trust);

  pki.MakeKey("large", "EC:P-521");
  pki.Certify("large", "large", kAuthority);
  pki.Certify("below-large", "large", kCodeSigner);
  RequireRefused(ErrorCode::kUntrusted, "large", Sign(pki, {"below-large"}),
                 *pki.Trust({{"base.d/large.pem", "large.pem"}}));
}

TEST_CASE("Ed25519 certifies signers, and signs no message", "[cms]") {
  Pki pki;
  pki.MakeKey("ca", "ED25519");
  pki.MakeSimple();
  RequireAccepted(Sign(pki, {"signer"}), *pki.Trust({{"base.d/ca.pem", "ca.pem"}}));
  pki.MakeKey("ed", "ED25519");
  pki.Certify("ed", "ca", kCodeSigner);
  const auto signer = Signer::Load(pki / "ed.key", pki / "ed.pem");
  REQUIRE_FAILS(ErrorCode::kUnsupported, signer);
  CHECK(signer.error().message().find("Ed25519") != std::string::npos);
}

TEST_CASE("as many distinct keys as the policy asks must have signed", "[cms]") {
  Pki pki;
  pki.MakeSimple();
  pki.Certify("second", "ca", kCodeSigner);
  pki.CertifyAgain("again", "signer", "ca");
  const std::string policy = R"({"schema": 1, "signers": {"base": 2, "patch": 1}})";
  const auto trust = pki.Trust({{"base.d/ca.pem", "ca.pem"}, {"patch.d/ca.pem", "ca.pem"}}, policy);

  const auto signers = RequireAccepted(Sign(pki, {"signer", "second"}), *trust);
  CHECK(signers.size() == 2);
  CHECK(pki.OpenSslVerify(Sign(pki, {"signer", "second"}), "ca", kContent).has_value());
  CHECK(CmsVerify(Sign(pki, {"signer"}), *trust, Role::kPatch, TimeCheck::None()).has_value());

  RequireRefused(ErrorCode::kUntrusted, "needs 2", Sign(pki, {"signer"}), *trust);
  RequireRefused(ErrorCode::kUntrusted, "needs 2", Sign(pki, {"signer", "signer"}), *trust);
  RequireRefused(ErrorCode::kUntrusted, "needs 2", Sign(pki, {"signer", "again"}), *trust);
}

TEST_CASE("one key counts once under two encodings", "[cms]") {
  Pki pki;
  pki.MakeSimple();
  REQUIRE_OK(pki.OpenSsl(
      {"ec", "-in", pki / "signer.key", "-conv_form", "compressed", "-out", pki / "compressed.key"}));
  pki.Certify("compressed", "ca", kCodeSigner);
  const auto trust = pki.Trust({{"base.d/ca.pem", "ca.pem"}}, R"({"schema": 1, "signers": {"base": 2}})");
  RequireRefused(ErrorCode::kUntrusted, "1 distinct", Sign(pki, {"signer", "compressed"}), *trust);
  const auto other = pki.Trust({{"base.d/ca.pem", "ca.pem"}});
  CHECK(RequireAccepted(Sign(pki, {"compressed"}), *other)[0].key_fingerprint !=
        RequireAccepted(Sign(pki, {"signer"}), *other)[0].key_fingerprint);
}

TEST_CASE("every signer of a message has to be good", "[cms]") {
  Pki pki;
  pki.MakeSimple();
  pki.Certify("other-ca", "other-ca", kAuthority);
  pki.Certify("stranger", "other-ca", kCodeSigner);
  const auto trust = pki.Trust({{"base.d/ca.pem", "ca.pem"}});
  RequireRefused(ErrorCode::kUntrusted, "stranger", Sign(pki, {"signer", "stranger"}), *trust);
  // Old and new root side by side.
  RequireAccepted(Sign(pki, {"signer", "stranger"}),
                  *pki.Trust({{"base.d/a.pem", "ca.pem"}, {"base.d/b.pem", "other-ca.pem"}}));
}

TEST_CASE("two signers may share their intermediates", "[cms]") {
  Pki pki;
  pki.Certify("ca", "ca", kAuthority);
  pki.Certify("middle", "ca", kAuthority);
  for (const char* name : {"first", "second"}) {
    pki.Certify(name, "middle", kCodeSigner);
    pki.Bundle(std::string(name) + ".pem", {name, "middle"});
  }
  CHECK(RequireAccepted(Sign(pki, {"first", "second"}), *pki.Trust({{"base.d/ca.pem", "ca.pem"}})).size() ==
        2);
}

TEST_CASE("a message with too many signers or certificates is not read", "[cms]") {
  Pki pki;
  pki.MakeSimple();
  const auto trust = pki.Trust({{"base.d/ca.pem", "ca.pem"}});
  RequireAccepted(Sign(pki, std::vector<std::string>(16, "signer")), *trust);
  RequireRefused(ErrorCode::kCorrupt, "17 signers", Sign(pki, std::vector<std::string>(17, "signer")),
                 *trust);

  const auto key = ReadPemPrivateKey(pki / "signer.key");
  REQUIRE_OK(key);
  Bytes crowd = pki.Read("signer.pem");
  for (int i = 0; i < 64; ++i) {
    const auto extra = IssueCertificate("extra", key->get(), nullptr, {}, {0, 1});
    REQUIRE_OK(extra);
    const BioPtr bio(BIO_new(BIO_s_mem()));
    REQUIRE(PEM_write_bio_X509(bio.get(), extra->get()) == 1);
    const ByteSpan pem = WrittenBytes(bio.get());
    crowd.insert(crowd.end(), pem.begin(), pem.end());
  }
  pki.Write("crowd.pem", crowd);
  pki.Write("crowd.key", pki.Read("signer.key"));
  RequireRefused(ErrorCode::kCorrupt, "65 certificates", Sign(pki, {"crowd"}), *trust);
}

TEST_CASE("a message that asks for many digests is not hashed for each", "[cms]") {
  Pki pki;
  pki.MakeSimple();
  const auto trust = pki.Trust({{"base.d/ca.pem", "ca.pem"}});
  const Bytes good = Sign(pki, {"signer"});
  // Byte 26 begins the set of digests: two bytes of header and SHA-256 in 13. Nothing signs it.
  constexpr size_t kSet = 26;
  REQUIRE(good.at(kSet) == 0x31);
  REQUIRE(good.at(kSet + 1) == 13);
  const auto with_digests = [&](size_t count) {
    const auto begin = good.begin() + kSet + 2;
    Bytes set = {0x31, 0x82, static_cast<uint8_t>(count * 13 >> 8), static_cast<uint8_t>(count * 13)};
    for (size_t i = 0; i < count; ++i) set.insert(set.end(), begin, begin + 13);
    Bytes der(good.begin(), good.begin() + kSet);
    der.insert(der.end(), set.begin(), set.end());
    der.insert(der.end(), begin + 13, good.end());
    const size_t grown = der.size() - good.size();
    for (const size_t length : std::array<size_t, 3>{2, 17, 21}) {  // of the three structures around the set
      const size_t value = (size_t{der[length]} << 8 | der[length + 1]) + grown;
      der[length] = static_cast<uint8_t>(value >> 8);
      der[length + 1] = static_cast<uint8_t>(value);
    }
    return der;
  };
  RequireAccepted(with_digests(16), *trust);
  RequireRefused(ErrorCode::kCorrupt, "17 digests", with_digests(17), *trust);
  RequireRefused(ErrorCode::kCorrupt, "4000 digests", with_digests(4000), *trust);
}

TEST_CASE("a signature of another message does not match", "[cms]") {
  Pki pki;
  pki.MakeSimple();
  const auto trust = pki.Trust({{"base.d/ca.pem", "ca.pem"}});
  const std::string other = "{\"schema\": 9}\n\r\n\xC3\xA4";
  Bytes der = Sign(pki, {"signer"});
  const size_t at = AsText(der).find(kContent);
  REQUIRE(at != std::string::npos);
  std::copy(other.begin(), other.end(), der.begin() + static_cast<ptrdiff_t>(at));
  RequireRefused(ErrorCode::kCorrupt, "does not match", der, *trust);
}

TEST_CASE("a message is shown without being believed", "[cms]") {
  Pki pki;
  pki.MakeSimple();
  Bytes der = Sign(pki, {"signer"});
  der.back() ^= 1;
  const auto shown = CmsShowUnverified(der);
  REQUIRE_OK(shown);
  CHECK(AsText(shown->content) == kContent);
  REQUIRE(shown->signers.size() == 1);
  CHECK(shown->signers[0].subject == "CN=signer,O=Veneer test");

  const auto bare = CmsShowUnverified(pki.OpenSslSign(kContent, "signer", {"-nocerts"}));
  REQUIRE_OK(bare);
  REQUIRE(bare->signers.size() == 1);
  CHECK(bare->signers[0].issuer == "CN=ca,O=Veneer test");
  CHECK_FALSE(bare->signers[0].serial.empty());

  REQUIRE_FAILS(ErrorCode::kCorrupt, CmsShowUnverified(AsBytes("x")));
  der.push_back(0);
  REQUIRE_FAILS(ErrorCode::kCorrupt, CmsShowUnverified(der));
}

TEST_CASE("what cannot sign is told when it is loaded", "[cms]") {
  Pki pki;
  pki.MakeSimple();
  pki.Certify("other", "ca", kCodeSigner);
  const auto load = [&](const char* key, const char* certificate) {
    return Signer::Load(pki / key, pki / certificate);
  };
  REQUIRE_OK(load("signer.key", "signer.pem"));
  REQUIRE_FAILS(ErrorCode::kNotFound, load("none.key", "signer.pem"));
  REQUIRE_FAILS(ErrorCode::kNotFound, load("signer.key", "none.pem"));
  REQUIRE_FAILS(ErrorCode::kCorrupt, load("signer.key", "other.pem"));
  REQUIRE_FAILS(ErrorCode::kCorrupt, load("signer.pem", "signer.pem"));
  REQUIRE_FAILS(ErrorCode::kCorrupt, load("signer.key", "signer.key"));
  pki.Write("empty", {});
  REQUIRE_FAILS(ErrorCode::kCorrupt, load("empty", "signer.pem"));
  REQUIRE_FAILS(ErrorCode::kCorrupt, load("signer.key", "empty"));
  REQUIRE_OK(pki.OpenSsl(
      {"pkey", "-in", pki / "signer.key", "-aes256", "-passout", "pass:secret", "-out", pki / "locked.key"}));
  const auto locked = load("locked.key", "signer.pem");
  REQUIRE_FAILS(ErrorCode::kCorrupt, locked);
  CHECK(locked.error().message().find("encrypted") != std::string::npos);
  REQUIRE_FAILS(ErrorCode::kFailed, CmsSign(AsBytes(kContent), {}));
}

TEST_CASE("signing and verifying from several threads", "[cms]") {
  Pki pki;
  pki.MakeSimple();
  pki.Revoke("crl", "ca", {});
  const auto trust = pki.Trust({{"base.d/ca.pem", "ca.pem"}, {"crl.d/crl.pem", "crl.pem"}});
  const std::vector<Signer> signers = pki.LoadAll({"signer"});
  std::atomic<int> good = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 20; ++round) {
        const auto der = CmsSign(AsBytes(kContent), signers);
        if (der && CmsVerify(*der, *trust, Role::kBase, TimeCheck::None())) ++good;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(good == 80);
}

}  // namespace veneer::crypto
