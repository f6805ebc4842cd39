#include <sys/stat.h>

#include <filesystem>

#include "fs/crypto/cms.h"
#include "fs/crypto/keygen.h"
#include "tests/crypto/pki.h"

namespace veneer::crypto {
namespace {

using test::Pki;

constexpr int64_t kNow = 1769860800;  // 2026-01-31T12:00:00Z
constexpr int64_t kDay = 86400;

unsigned ModeOf(const std::string& path) {
  struct stat st {};
  REQUIRE(::stat(path.c_str(), &st) == 0);
  return st.st_mode & 07777;
}

size_t CountFiles(const std::string& path) {
  const std::filesystem::directory_iterator entries(path);
  return static_cast<size_t>(std::distance(begin(entries), end(entries)));
}

}  // namespace

TEST_CASE("generated keys sign what a store with the generated CA accepts", "[keygen]") {
  Pki pki;
  REQUIRE_OK(GenerateDevelopmentKeys(pki / "new/keys", "Ann Ö", kNow));
  const auto signer = Signer::Load(pki / "new/keys/signer.key", pki / "new/keys/signer.pem");
  REQUIRE_OK(signer);
  std::vector<Signer> signers;
  signers.push_back(std::move(const_cast<Signer&>(*signer)));
  const auto der = CmsSign(AsBytes("content"), signers);
  REQUIRE_OK(der);
  const auto trust = pki.Trust({{"patch.d/ca.pem", "new/keys/ca.pem"}});
  const auto verify = [&](int64_t time) {
    return CmsVerify(*der, *trust, Role::kPatch, TimeCheck::At(time));
  };

  const auto verified = verify(kNow);
  REQUIRE_OK(verified);
  CHECK(verified->signers[0].subject == "CN=Ann \\C3\\96");
  CHECK(verified->signers[0].issuer == "CN=Ann \\C3\\96 CA");
  CHECK(verified->signers[0].serial.size() == 32);
  CHECK(verified->signers[0].not_after == "2036-01-31T12:00:00Z");
  REQUIRE_OK(verify(kNow - kDay));
  REQUIRE_FAILS(ErrorCode::kExpired, verify(kNow - kDay - 1));
  REQUIRE_OK(verify(kNow + 3652 * kDay - 1));
  REQUIRE_FAILS(ErrorCode::kExpired, verify(kNow + 3652 * kDay));
  CHECK(pki.OpenSslVerify(*der, "new/keys/ca", "content").has_value());
}

TEST_CASE("openssl finds nothing wrong with the generated certificates", "[keygen]") {
  Pki pki;
  REQUIRE_OK(GenerateDevelopmentKeys(pki / "keys", "dev", ::time(nullptr)));
  REQUIRE_OK(pki.OpenSsl({"verify", "-x509_strict", "-check_ss_sig", "-auth_level", "2", "-CAfile",
                          pki / "keys/ca.pem", pki / "keys/signer.pem"}));
  REQUIRE_OK(pki.OpenSsl({"pkey", "-check", "-noout", "-in", pki / "keys/ca.key"}));
  pki.Write("ca.key", pki.Read("keys/ca.key"));
  pki.Write("ca.pem", pki.Read("keys/ca.pem"));
  pki.Certify("more", "ca", test::kCodeSigner);  // the CA goes on to issue
  REQUIRE_OK(CmsVerify(*CmsSign(AsBytes("x"), pki.LoadAll({"more"})),
                       *pki.Trust({{"base.d/ca.pem", "ca.pem"}}), Role::kBase,
                       TimeCheck::At(::time(nullptr))));
}

TEST_CASE("generated keys are for their owner alone", "[keygen]") {
  Pki pki;
  REQUIRE_OK(GenerateDevelopmentKeys(pki / "keys", "dev", kNow));
  CHECK(ModeOf(pki / "keys/ca.key") == 0600);
  CHECK(ModeOf(pki / "keys/signer.key") == 0600);
  CHECK(CountFiles(pki / "keys") == 4);
}

TEST_CASE("key generation overwrites nothing and leaves nothing half done", "[keygen]") {
  for (const char* name : {"ca.key", "ca.pem", "signer.key", "signer.pem"}) {
    INFO(name);
    Pki pki;
    REQUIRE_OK(io::MakeFolders(pki / "keys"));
    pki.Write(std::string("keys/") + name, AsBytes("precious"));
    REQUIRE_FAILS(ErrorCode::kExists, GenerateDevelopmentKeys(pki / "keys", "dev", kNow));
    CHECK(AsText(pki.Read(std::string("keys/") + name)) == "precious");
    CHECK(CountFiles(pki / "keys") == 1);
  }
  Pki pki;
  REQUIRE_OK(io::MakeFolders(pki / "keys"));
  std::filesystem::create_symlink("elsewhere", pki / "keys/signer.pem");
  REQUIRE_FAILS(ErrorCode::kExists, GenerateDevelopmentKeys(pki / "keys", "dev", kNow));
  CHECK_FALSE(std::filesystem::exists(pki / "keys/elsewhere"));
  pki.Write("file", {});
  REQUIRE_FAILS(ErrorCode::kExists, GenerateDevelopmentKeys(pki / "file", "dev", kNow));
}

TEST_CASE("a name that no certificate can have makes no keys", "[keygen]") {
  Pki pki;
  for (const std::string& name : {std::string(), std::string(65, 'x'), std::string("\xFF")}) {
    REQUIRE_FAILS(ErrorCode::kUsage, GenerateDevelopmentKeys(pki / "keys", name, kNow));
    CHECK_FALSE(std::filesystem::exists(pki / "keys"));
  }
}

}  // namespace veneer::crypto
