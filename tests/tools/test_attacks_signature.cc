// The attack table, first part: who signed, and when.
#include <ctime>
#include <filesystem>

#include "fs/core/install.h"
#include "fs/crypto/keygen.h"
#include "tests/crypto/pki.h"
#include "tests/tools/attack.h"

namespace veneer::test {
namespace {

namespace stdfs = std::filesystem;
using crypto::test::Pki;

constexpr int64_t kYear = 365 * 86400;

// Keys in the folder NAME of the workshop, made as if the clock said `now`; trusted for `role` if that is not
// empty.
std::string MakeKeys(const AttackedStore& store, const std::string& name, int64_t now,
                     const std::string& role) {
  const std::string folder = store.shop / name;
  REQUIRE_OK(crypto::GenerateDevelopmentKeys(folder, name, now));
  if (!role.empty()) stdfs::copy_file(folder + "/ca.pem", store.Trust(role + "/" + name + ".pem"));
  return folder;
}

int64_t Now() {
  return static_cast<int64_t>(std::time(nullptr));
}

TEST_CASE("attack: unsigned") {
  const AttackedStore store;
  LayerParts parts = TakeApart(store.Good());
  const auto nobody = crypto::CmsWrapUnsigned(AsBytes(parts.manifest));
  REQUIRE_OK(nobody);
  parts.cms = AsText(*nobody);
  PutTogether(parts, store.Forged());
  store.RepelsFile(store.Forged(), "untrusted");
  parts.cms = "";
  PutTogether(parts, store.Forged());
  store.RepelsFile(store.Forged(), "corrupt");
  parts.cms = parts.manifest;  // the manifest where its signature should be
  PutTogether(parts, store.Forged());
  store.RepelsFile(store.Forged(), "corrupt");
}

TEST_CASE("attack: signed by nobody known") {
  const AttackedStore store;
  const std::string strangers = MakeKeys(store, "strangers", Now(), "");
  store.RepelsFile(store.PatchWith("p", "lib", 1, {"usr/lib/lib", strangers, {}}), "untrusted");
}

TEST_CASE("attack: the right key in the wrong role") {
  const AttackedStore store;
  const std::string bases = MakeKeys(store, "bases", Now(), "base.d");
  store.RepelsFile(store.PatchWith("p", "lib", 1, {"usr/lib/lib", bases, {}}), "untrusted");
  const std::string feeds = MakeKeys(store, "feeds", Now(), "feed.d");
  store.RepelsFile(store.PatchWith("q", "lib", 1, {"usr/lib/lib", feeds, {}}), "untrusted");
  // And a base by one who may sign patches.
  const std::string patches = MakeKeys(store, "patches", Now(), "patch.d");
  LayerParts parts = TakeApart(store.shop / "base.layer");
  parts.cms = Sign(parts.manifest + " ", patches);
  PutTogether(parts, store.Forged());
  store.RepelsFile(store.Forged(), "untrusted");
}

TEST_CASE("attack: expired at install") {
  const AttackedStore store;
  const std::string old = MakeKeys(store, "old", Now() - 11 * kYear, "patch.d");
  store.RepelsFile(store.PatchWith("p", "lib", 1, {"usr/lib/lib", old, {}}), "expired");
  const std::string early = MakeKeys(store, "early", Now() + kYear, "patch.d");
  store.RepelsFile(store.PatchWith("q", "lib", 1, {"usr/lib/lib", early, {}}), "expired");
}

TEST_CASE("attack: revoked") {
  const AttackedStore store;
  Pki pki;
  pki.MakeSimple();
  pki.Revoke("list", "ca", {"signer"});
  stdfs::copy_file(pki / "ca.pem", store.Trust("patch.d/pki.pem"));
  const std::string file = store.PatchWith("p", "lib", 1, {"usr/lib/lib", pki / ".", {}});
  stdfs::copy_file(pki / "list.pem", store.Trust("crl.d/list.pem"));
  store.RepelsFile(file, "revoked");
}

TEST_CASE("attack: a threshold met by one key twice") {
  const AttackedStore store;
  store.SetPolicy(R"({"schema": 1, "signers": {"patch": 2}})");
  store.RepelsFile(store.Good(), "untrusted");
  const std::string key = store.shop.key();
  const std::string certificate = store.shop.certificate();
  store.RepelsFile(store.PatchWith("p", "lib", 2, {"usr/lib/lib", "", {"--key", key, "--cert", certificate}}),
                   "untrusted");
  // Two certificates of one key are one signer; two keys are two.
  Pki pki;
  pki.MakeSimple();
  pki.CertifyAgain("again", "signer", "ca");
  pki.Certify("second", "ca", crypto::test::kCodeSigner);
  stdfs::copy_file(pki / "ca.pem", store.Trust("patch.d/pki.pem"));
  const auto signed_by = [&](const std::string& name, const std::string& other) {
    return store.PatchWith(
        name, "lib", 2,
        {"usr/lib/lib", pki / ".", {"--key", pki / (other + ".key"), "--cert", pki / (other + ".pem")}});
  };
  store.RepelsFile(signed_by("q", "again"), "untrusted");
  store.Install(signed_by("r", "second"));
}

TEST_CASE("attack: a weak digest") {
  const AttackedStore store;
  LayerParts parts = TakeApart(store.Good());
  Pki pki;
  stdfs::copy(store.Keys(), pki / ".");
  parts.cms = AsText(pki.OpenSslSign(parts.manifest, "signer", {"-md", "sha1"}));
  PutTogether(parts, store.Forged());
  store.RepelsFile(store.Forged(), "untrusted");
}

TEST_CASE("attack: a clock set back ten years") {
  const AttackedStore store;
  // The store has seen a time at which the good keys are no longer valid; the clock says that they are.
  const auto opened = catalog::Store::Open(store.path());
  REQUIRE_OK(opened);
  {
    auto catalog = opened->OpenCatalogForWriting(std::chrono::seconds(5));
    REQUIRE_OK(catalog);
    catalog::Update update;
    update.SetLatestTime(static_cast<uint64_t>(Now() + 11 * kYear));
    REQUIRE_OK((*catalog)->Commit(std::move(update)));
  }
  store.RepelsFile(store.Good(), "expired");
  // What is installed goes on: a machine with a dead clock battery boots.
  CHECK(store.Json({"activate"}).at("generation") == 1);
}

TEST_CASE("attack: a clock set forward fifty years") {
  const AttackedStore store;
  // Keys that were made fifty years ago by our clock are keys of today by a clock that is fifty years ahead.
  const std::string keys = MakeKeys(store, "keys-of-then", Now() - 50 * kYear, "patch.d");
  const std::string file = store.PatchWith("p", "lib", 1, {"usr/lib/lib", keys, {}});
  store.RepelsFile(file, "expired");
  const auto opened = catalog::Store::Open(store.path());
  REQUIRE_OK(opened);
  const auto trust = opened->LoadTrust();
  REQUIRE_OK(trust);
  const std::string good = store.Good();
  const auto before = TakeSnapshot(store.path());
  {
    auto catalog = opened->OpenCatalogForWriting(std::chrono::seconds(5));
    REQUIRE_OK(catalog);
    const auto layer = io::PosixFile::Open(good);
    REQUIRE_OK(layer);
    REQUIRE_FAILS(ErrorCode::kExpired, core::Install(**layer, *opened, **catalog, **trust, Now() + 50 * kYear,
                                                     "test", [](auto&&...) {}));
  }
  CHECK(TakeSnapshot(store.path()) == before);
  // The refusal left no mark of the wrong time: a clock that is put right is believed again.
  store.Install(good);
}

}  // namespace
}  // namespace veneer::test
