#include <filesystem>

#include "fs/crypto/trust_store.h"
#include "tests/crypto/pki.h"

namespace veneer::crypto {
namespace {

using test::Pki;

// A trust store at `pki`/store with "ca" for bases and an empty revocation list, and functions to spoil it.
class Store {
 public:
  Store() {
    pki_.MakeSimple();
    pki_.Revoke("list", "ca", {});
    for (const char* folder : {"store/base.d", "store/patch.d", "store/feed.d", "store/crl.d"}) {
      REQUIRE_OK(io::MakeFolders(pki_ / folder));
    }
    pki_.Write("store/base.d/ca.pem", pki_.Read("ca.pem"));
    pki_.Write("store/crl.d/list.pem", pki_.Read("list.pem"));
  }

  Pki& pki() { return pki_; }
  void Write(const std::string& name, std::string_view text) { pki_.Write("store/" + name, AsBytes(text)); }
  std::string Text(const std::string& name) { return std::string(AsText(pki_.Read(name))); }
  auto Load() { return TrustStore::Load(pki_ / "store"); }

  // Requires that the store is corrupt, and that the message names `name`.
  void RequireCorrupt(const std::string& name) {
    const auto trust = Load();
    REQUIRE_FAILS(ErrorCode::kCorrupt, trust);
    INFO(trust.error().message());
    CHECK(trust.error().message().find("/store/" + name) != std::string::npos);
  }

 private:
  Pki pki_;
};

}  // namespace

TEST_CASE("a trust store without a policy has the defaults", "[trust_store]") {
  Store store;
  const auto trust = store.Load();
  REQUIRE_OK(trust);
  CHECK((*trust)->path() == store.pki() / "store");
  const Policy& policy = (*trust)->policy();
  CHECK(policy.SignersFor(Role::kBase) == 1);
  CHECK(policy.SignersFor(Role::kPatch) == 1);
  CHECK(policy.SignersFor(Role::kFeed) == 1);
  CHECK(policy.model.empty());
  CHECK_FALSE(policy.automatic);
}

TEST_CASE("a policy is read", "[trust_store]") {
  Store store;
  store.Write(
      "policy.json",
      R"({"schema": 1, "signers": {"base": 2, "patch": 3, "feed": 16}, "model": "kiosk-2", "auto": true})");
  const auto trust = store.Load();
  REQUIRE_OK(trust);
  const Policy& policy = (*trust)->policy();
  CHECK(policy.SignersFor(Role::kBase) == 2);
  CHECK(policy.SignersFor(Role::kPatch) == 3);
  CHECK(policy.SignersFor(Role::kFeed) == 16);
  CHECK(policy.model == "kiosk-2");
  CHECK(policy.automatic);

  store.Write("policy.json",
              R"({"schema": 1, "tpm": {"nv_index": "0x01800042", "tcti": "device:/dev/tpm0"}})");
  const auto with_tpm = store.Load();
  REQUIRE_OK(with_tpm);
  REQUIRE((*with_tpm)->policy().tpm);
  CHECK((*with_tpm)->policy().tpm->nv_index == 0x01800042);
  CHECK((*with_tpm)->policy().tpm->tcti == "device:/dev/tpm0");

  store.Write("policy.json", R"({"schema": 1})");
  REQUIRE_OK(store.Load());
  CHECK_FALSE((*store.Load())->policy().tpm);
}

TEST_CASE("a policy that is not wholly understood is refused", "[trust_store]") {
  Store store;
  for (const char* policy : {"",
                             "[]",
                             "{}",
                             R"({"schema": 1, "signer": {"base": 2}})",
                             R"({"schema": 1, "signers": {"bases": 2}})",
                             R"({"schema": 1, "signers": {"base": 0}})",
                             R"({"schema": 1, "signers": {"base": 17}})",
                             R"({"schema": 1, "signers": {"base": 1.0}})",
                             R"({"schema": 1, "signers": {"base": "2"}})",
                             R"({"schema": 1, "signers": 2})",
                             R"({"schema": 1, "signers": {"base": 2, "base": 1}})",
                             R"({"schema": 1, "model": 1})",
                             R"({"schema": 1, "auto": "no"})",
                             R"({"schema": 1, "auto": false} x)",
                             R"({"schema": 1, "tpm": {}})",
                             R"({"schema": 1, "tpm": {"nv_index": 25165824}})",
                             R"({"schema": 1, "tpm": {"nv_index": "01800000"}})",
                             R"({"schema": 1, "tpm": {"nv_index": "0x01C00000"}})",
                             R"({"schema": 1, "tpm": {"nv_index": "0x01800000", "x": 1}})",
                             R"({"signers": {}})"}) {
    INFO(policy);
    store.Write("policy.json", policy);
    store.RequireCorrupt("policy.json");
  }
  store.Write("policy.json", R"({"schema": 2, "anything": null})");
  REQUIRE_FAILS(ErrorCode::kUnsupportedSchema, store.Load());
  store.Write("policy.json", std::string(1 << 20, ' '));
  store.RequireCorrupt("policy.json");
}

TEST_CASE("a trust store that is not there", "[trust_store]") {
  Store store;
  REQUIRE_FAILS(ErrorCode::kNotFound, TrustStore::Load(store.pki() / "nowhere"));
  REQUIRE_FAILS(ErrorCode::kNotFound, TrustStore::Load(store.pki() / "ca.pem"));
  REQUIRE_OK(io::MakeFolders(store.pki() / "empty"));
  const auto empty = TrustStore::Load(store.pki() / "empty");
  REQUIRE_OK(empty);
}

TEST_CASE("a file may hold several certificates, with text between them", "[trust_store]") {
  Store store;
  store.pki().Certify("second", "second", test::kAuthority);
  store.Write("base.d/ca.pem",
              "My roots\n" + store.Text("ca.pem") + "# the second\n" + store.Text("second.pem"));
  const auto trust = store.Load();
  REQUIRE_OK(trust);
  store.pki().Certify("below", "second", test::kCodeSigner);
  const auto der = CmsSign(AsBytes("x"), store.pki().LoadAll({"below"}));
  REQUIRE_OK(der);
  REQUIRE_OK(CmsVerify(*der, **trust, Role::kBase, TimeCheck::None()));
}

TEST_CASE("a file in a trust store that cannot be read wholly is named", "[trust_store]") {
  Store store;
  const std::string pem = store.Text("ca.pem");
  const auto spoil = [&](const std::string& from, const std::string& to) {
    std::string text = pem + pem;
    return text.replace(text.rfind(from), from.size(), to);
  };
  const std::vector<std::string> spoilt = {
      "",
      "no certificate here\n",
      pem.substr(0, pem.size() / 2),
      pem + pem.substr(0, pem.size() / 2),
      pem + pem.substr(0, 9),
      spoil("-----BEGIN CERTIFICATE", "-----BEGIX CERTIFICATE"),
      spoil("-----BEGIN CERTIFICATE", "-----BEGIN PUBLIC KEY"),
      spoil("-----END CERTIFICATE-----", "-----END CERTIFICATES-----"),
      spoil("MII", "MIJ"),
      pem + store.Text("ca.key"),
      pem + store.Text("list.pem"),
  };
  for (size_t i = 0; i < spoilt.size(); ++i) {
    INFO(i);
    store.Write("patch.d/spoilt.pem", spoilt[i]);
    store.RequireCorrupt("patch.d/spoilt.pem");
  }
  std::filesystem::remove(store.pki() / "store/patch.d/spoilt.pem");
  store.Write("crl.d/list.pem", pem);
  store.RequireCorrupt("crl.d/list.pem");
  store.Write("crl.d/list.pem", "");
  store.RequireCorrupt("crl.d/list.pem");
}

TEST_CASE("what is in a folder of a trust store is a regular file named *.pem", "[trust_store]") {
  Store store;
  store.Write("crl.d/.keep", "");
  REQUIRE_OK(store.Load());
  store.Write("crl.d/list.crl", store.Text("list.pem"));
  store.RequireCorrupt("crl.d/list.crl");
  std::filesystem::remove(store.pki() / "store/crl.d/list.crl");

  std::filesystem::create_symlink("../../ca.pem", store.pki() / "store/base.d/link.pem");
  store.RequireCorrupt("base.d/link.pem");
  std::filesystem::remove(store.pki() / "store/base.d/link.pem");

  std::filesystem::create_directory(store.pki() / "store/base.d/folder.pem");
  store.RequireCorrupt("base.d/folder.pem");
  std::filesystem::remove(store.pki() / "store/base.d/folder.pem");

  std::filesystem::remove_all(store.pki() / "store/crl.d");
  REQUIRE_OK(store.Load());
  store.Write("crl.d", "a file");
  store.RequireCorrupt("crl.d");
  std::filesystem::remove(store.pki() / "store/crl.d");
  std::filesystem::create_symlink("nowhere", store.pki() / "store/crl.d");
  CHECK_FALSE(store.Load().has_value());
}

}  // namespace veneer::crypto
