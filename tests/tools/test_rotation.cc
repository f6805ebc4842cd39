// Keys that come and go, and how many of them must sign.
#include <filesystem>

#include "tests/tools/policy_store.h"

namespace veneer::test {
namespace {

namespace stdfs = std::filesystem;

TEST_CASE("an old and a new root stand side by side; without the old one, what it alone signed is told") {
  const PolicyStore store;
  REQUIRE(Veneer({"keygen", store.shop / "new"}).status == 0);
  const std::string roots = store.path() + "/trust/patch.d/";
  stdfs::copy_file(store.shop / "new/ca.pem", roots + "new.pem");
  const std::string old_file = store.Patch("old", "lib", 1);
  const std::string old_layer = store.Install(old_file);
  const std::string new_layer =
      store.Install(store.PatchWith("new-one", "other", 1, {"usr/lib/other", store.shop / "new", {}}));
  store.Json({"activate"});
  CHECK(store.Json({"status"}).at("problems").empty());

  stdfs::remove(roots + "ca.pem");
  store.RequireRefusal({"install", old_file}, "untrusted");
  const auto status = store.Json({"status"}, 4);
  CHECK(status.at("error").at("code") == "untrusted");
  REQUIRE(status.at("problems").size() == 1);
  CHECK(status.at("problems")[0].at("layer") == old_layer);
  CHECK(status.at("problems")[0].at("name") == "lib (a)");
  CHECK(status.at("problems")[0].at("code") == "untrusted");
  CHECK(status.at("problems")[0].at("active") == true);
  CHECK(status.at("layers").size() == 3);
  const auto scan = store.Json({"scan"}, 4);
  REQUIRE(scan.at("findings").size() == 1);
  CHECK(scan.at("findings")[0].at("layer") == old_layer);
  CHECK(scan.at("findings")[0].at("kind") == "untrusted");
  CHECK(scan.at("blocks").get<int>() > 0);  // the others were looked at all the same

  // Off the stack, it is told without being a failure.
  store.Json({"revert", "lib"});
  const auto after = store.Json({"status"});
  REQUIRE(after.at("problems").size() == 1);
  CHECK(after.at("problems")[0].at("active") == false);
  CHECK(store.Run({"status"}).out.find("not usable") != std::string::npos);
  CHECK(store.Current() == std::vector<std::string>{store.base, new_layer});
  store.RequireRefusal({"activate", "lib"}, "untrusted");
}

TEST_CASE("a role needs as many distinct signers as the policy says") {
  const PolicyStore store;
  REQUIRE(Veneer({"keygen", store.shop / "second"}).status == 0);
  for (const char* role : {"patch.d", "feed.d"}) {
    stdfs::copy_file(store.shop / "second/ca.pem", store.path() + "/trust/" + role + "/second.pem");
  }
  const std::vector<std::string> second = {"--key", store.shop / "second/signer.key", "--cert",
                                           store.shop / "second/signer.pem"};
  const std::string one = store.Patch("one", "lib", 1);
  const std::string two = store.Patch("two", "lib", 1, second);
  store.SetPolicy(R"({"schema": 1, "signers": {"patch": 2, "feed": 2}})");
  store.RequireRefusal({"install", one}, "untrusted");
  store.Install(two);
  store.RequireRefusal({"install", store.Withdraw("w", two)}, "untrusted");
  CHECK(store.Json({"status"}).at("problems").empty());
  store.SetPolicy(R"({"schema": 1, "signers": {"patch": 3}})");
  CHECK(store.Json({"status"}).at("problems").size() == 1);
}

}  // namespace
}  // namespace veneer::test
