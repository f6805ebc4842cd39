#include <ctime>

#include "fs/crypto/cms.h"
#include "tests/crypto/pki.h"

namespace veneer::crypto {
namespace {

using test::kAuthority;
using test::kCodeSigner;
using test::Pki;

Result<CmsContent> Verify(const Pki& pki, const std::string& name,
                          const std::map<std::string, std::string>& trust,
                          TimeCheck time = TimeCheck::None()) {
  auto der = CmsSign(AsBytes("content"), pki.LoadAll({name}));
  REQUIRE_OK(der);
  return CmsVerify(*der, *pki.Trust(trust), Role::kBase, time);
}

// "ca", below it "middle" and "direct", below "middle" "signer" and "other".
void MakeTree(Pki& pki) {
  pki.Certify("ca", "ca", kAuthority);
  pki.Certify("middle", "ca", kAuthority);
  pki.Certify("direct", "ca", kCodeSigner);
  for (const char* name : {"signer", "other"}) {
    pki.Certify(name, "middle", kCodeSigner);
    pki.Bundle(std::string(name) + ".pem", {name, "middle"});
  }
}

}  // namespace

TEST_CASE("a revoked signer is refused, and no other", "[revocation]") {
  Pki pki;
  MakeTree(pki);
  pki.Revoke("list", "middle", {"signer"});
  const std::map<std::string, std::string> trust = {{"base.d/ca.pem", "ca.pem"}, {"crl.d/a.pem", "list.pem"}};
  const auto refused = Verify(pki, "signer", trust);
  REQUIRE_FAILS(ErrorCode::kRevoked, refused);
  CHECK(refused.error().message().find("CN=signer") != std::string::npos);
  CHECK(Verify(pki, "signer", trust, TimeCheck::At(::time(nullptr) + 60)).error().code() ==
        ErrorCode::kRevoked);
  REQUIRE_OK(Verify(pki, "other", trust));
  REQUIRE_OK(Verify(pki, "direct", trust));  // of an issuer of whom there is no list
}

TEST_CASE("a revoked intermediate takes those below it along", "[revocation]") {
  Pki pki;
  MakeTree(pki);
  pki.Revoke("list", "ca", {"middle"});
  const std::map<std::string, std::string> trust = {{"base.d/ca.pem", "ca.pem"}, {"crl.d/a.pem", "list.pem"}};
  const auto refused = Verify(pki, "signer", trust);
  REQUIRE_FAILS(ErrorCode::kRevoked, refused);
  CHECK(refused.error().message().find("CN=middle") != std::string::npos);
  REQUIRE_OK(Verify(pki, "direct", trust));
}

TEST_CASE("an expired list still revokes, and one that is not there is no error", "[revocation]") {
  Pki pki;
  MakeTree(pki);
  pki.Revoke("list", "ca", {"direct"}, 1);
  const std::map<std::string, std::string> trust = {{"base.d/ca.pem", "ca.pem"}, {"crl.d/a.pem", "list.pem"}};
  const auto later = TimeCheck::At(::time(nullptr) + 86400);
  REQUIRE_FAILS(ErrorCode::kRevoked, Verify(pki, "direct", trust, later));
  REQUIRE_FAILS(ErrorCode::kRevoked, Verify(pki, "direct", trust));
  REQUIRE_OK(Verify(pki, "signer", trust, later));
}

TEST_CASE("what an older list revokes, a newer one does not give back", "[revocation]") {
  Pki pki;
  MakeTree(pki);
  pki.Revoke("old", "ca", {"direct"});
  pki.Revoke("new", "ca", {});
  REQUIRE_FAILS(
      ErrorCode::kRevoked,
      Verify(pki, "direct",
             {{"base.d/ca.pem", "ca.pem"}, {"crl.d/1.pem", "new.pem"}, {"crl.d/2.pem", "old.pem"}}));
  pki.Bundle("both.pem", {"new", "old"});
  REQUIRE_FAILS(ErrorCode::kRevoked,
                Verify(pki, "direct", {{"base.d/ca.pem", "ca.pem"}, {"crl.d/1.pem", "both.pem"}}));
}

TEST_CASE("a list of another authority of the same name does not count", "[revocation]") {
  Pki pki;
  MakeTree(pki);
  Pki namesake;
  namesake.Certify("ca", "ca", kAuthority);
  pki.Write("old-ca.pem", namesake.Read("ca.pem"));
  pki.Write("old-ca.key", namesake.Read("ca.key"));
  pki.Revoke("list", "old-ca", {"direct"});
  REQUIRE_OK(Verify(pki, "direct", {{"base.d/ca.pem", "ca.pem"}, {"crl.d/a.pem", "list.pem"}}));
}

TEST_CASE("a list whose signature does not match is not passed over", "[revocation]") {
  Pki pki;
  MakeTree(pki);
  pki.Revoke("list", "ca", {"direct"});
  REQUIRE_OK(pki.OpenSsl({"crl", "-in", pki / "list.pem", "-outform", "DER", "-out", pki / "list.der"}));
  Bytes der = pki.Read("list.der");
  der.back() ^= 1;
  pki.Write("list.der", der);
  REQUIRE_OK(pki.OpenSsl({"crl", "-inform", "DER", "-in", pki / "list.der", "-out", pki / "list.pem"}));
  const auto refused = Verify(pki, "direct", {{"base.d/ca.pem", "ca.pem"}, {"crl.d/a.pem", "list.pem"}});
  REQUIRE_FAILS(ErrorCode::kUntrusted, refused);
  CHECK(refused.error().message().find("revocation list") != std::string::npos);
}

TEST_CASE("a pinned signer is revoked by the list of an issuer that is not at hand", "[revocation]") {
  Pki pki;
  MakeTree(pki);
  pki.Revoke("list", "ca", {"direct"});
  REQUIRE_OK(Verify(pki, "direct", {{"base.d/pin.pem", "direct.pem"}}));
  REQUIRE_FAILS(ErrorCode::kRevoked,
                Verify(pki, "direct", {{"base.d/pin.pem", "direct.pem"}, {"crl.d/a.pem", "list.pem"}}));
}

}  // namespace veneer::crypto
