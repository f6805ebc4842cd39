// The attack table, third part: what is signed well and must not come in all the same.
#include <filesystem>

#include "tests/tools/attack.h"

namespace veneer::test {
namespace {

namespace stdfs = std::filesystem;
using Json = nlohmann::ordered_json;

TEST_CASE("attack: an older sequence") {
  const AttackedStore store;
  const std::string first = store.Patch("one", "lib", 1);
  const std::string second = store.Patch("two", "lib", 2);
  store.Install(second);
  store.RepelsFile(first, "downgrade");
  // Not after a revert either, nor after the layer is gone and the catalog made again.
  store.Json({"activate"});
  store.Json({"revert"});
  store.RepelsFile(first, "downgrade");
  store.Json({"repair-catalog"});
  store.RepelsFile(first, "downgrade");
}

TEST_CASE(
    "attack: an older letter that is installed is not installed again, nor put in a later one's place") {
  const AttackedStore store;
  const std::string first = store.Patch("one", "lib", 1);
  store.Install(first);
  store.Json({"activate"});
  store.Install(store.Patch("two", "lib", 2));
  store.Json({"activate"});
  store.RepelsFile(first, "downgrade");
  store.Repels({"install", first, "--activate"}, "downgrade");
  store.Repels({"activate", "lib@a"}, "downgrade");
  // Revert is not downgrade.
  const auto reverted = store.Json({"revert"});
  CHECK(reverted.at("generation") == 4);
  CHECK(store.Json({"history"}).at("events").at(0).at("kind") == "revert");
}

TEST_CASE("attack: a sequence under a floor") {
  const AttackedStore store;
  store.Install(store.Patch("one", "lib", 1));
  store.Install(store.Patch("three", "lib", 3, {"--security-floor", "3"}));
  const std::string second = store.Patch("two", "lib", 2);
  store.RepelsFile(second, "downgrade");
  store.Repels({"activate", "lib@a"}, "downgrade");
  const auto checks = store.Json({"why-not", second}, 4).at("checks");
  for (const auto& check : checks) {
    if (check.at("check") == "floor") CHECK(check.at("passed") == false);
  }
  // The floor outlives the catalog, even where the layer that raised it was dropped from the active stack.
  store.Json({"activate"});
  store.Json({"revert", "--all"});
  stdfs::remove_all(store.path() + "/catalog");
  store.Json({"repair-catalog"});
  store.RepelsFile(second, "downgrade");
}

TEST_CASE("attack: of another system, version or model") {
  const AttackedStore store;
  const std::string good = store.Good();
  const auto with = [&](const char* key, const Json& value) {
    Reseal(good, store.Forged(), store.Keys(), [&](Json& manifest) { manifest["applies_to"][key] = value; });
    store.RepelsFile(store.Forged(), "not-applicable");
  };
  with("id", "other");
  with("versions", {"1.0", "2"});
  with("models", {"kiosk"});
  Reseal(store.shop / "base.layer", store.Forged(), store.Keys(),
         [&](Json& manifest) { manifest["os"]["models"] = {"kiosk"}; });
  store.RepelsFile(store.Forged(), "not-applicable");
}

TEST_CASE("attack: a missing requirement") {
  const AttackedStore store;
  store.RepelsFile(store.Patch("p", "lib", 1, {"--requires", "libc"}), "missing-requirement");
}

TEST_CASE("attack: a path that another patch has") {
  const AttackedStore store;
  store.Install(store.Patch("one", "lib", 1));
  store.Json({"activate"});
  const std::string file = store.PatchWith("two", "other", 1, {"usr/lib/lib", "", {}});
  store.Repels({"why-not", file}, "conflict");
  store.Install(file);
  store.Repels({"activate"}, "conflict");
  store.Repels({"activate", "other"}, "conflict");
}

TEST_CASE("attack: withdrawn") {
  const AttackedStore store;
  const std::string file = store.Good();
  store.Json({"install", store.Withdraw("w", file)});
  store.RepelsFile(file, "withdrawn");
  // One that came in before.
  const std::string other = store.Patch("other", "other", 1);
  store.Install(other);
  store.Json({"activate"});
  store.Json({"revert"});
  store.Json({"install", store.Withdraw("w2", other)});
  store.RepelsFile(other, "withdrawn");
  store.Repels({"activate", "other"}, "withdrawn");
  store.Repels({"revert", "--to", "2"}, "withdrawn");
}

TEST_CASE("attack: a withdrawal that is forged or signed in another role") {
  const AttackedStore store;
  const std::string withdrawal = store.Withdraw("w", store.Good());
  const std::string text = ReadFile(withdrawal);
  CopyWithDamage(withdrawal, store.shop / "forged", text.find("it breaks"));
  store.Repels({"install", store.shop / "forged"}, "corrupt");
  WriteFile(store.shop / "forged", text + "x");
  store.Repels({"install", store.shop / "forged"}, "corrupt");
  // A manifest in the feed role is no withdrawal.
  WriteFile(store.shop / "forged", TakeApart(store.shop / "good.layer").cms);
  store.Repels({"install", store.shop / "forged"}, "corrupt");
  stdfs::remove(store.Trust("feed.d/ca.pem"));
  store.Repels({"install", withdrawal}, "untrusted");
}

}  // namespace
}  // namespace veneer::test
