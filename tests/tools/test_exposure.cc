// What status says the machine is open to, and what a dry run says before a switch.
#include "tests/tools/policy_store.h"

namespace veneer::test {
namespace {

std::string Advisory(const PolicyStore& store, const std::string& id, const std::string& cve) {
  return store.shop.Write(id, R"({"advisories": [{"id": ")" + id + R"(", "cves": [")" + cve +
                                  R"("], "severity": "high", "summary": "s"}]})");
}

TEST_CASE("status lists what the active stack answers and what it does not") {
  const PolicyStore store;
  store.Install(store.Patch("one", "lib", 1, {"--advisory", Advisory(store, "A-1", "CVE-2026-1")}));
  store.Json({"activate"});
  const std::string other =
      store.Install(store.Patch("two", "other", 1, {"--advisory", Advisory(store, "A-2", "CVE-2026-2")}));
  auto exposure = store.Json({"status"}).at("exposure");
  REQUIRE(exposure.at("answered").size() == 1);
  CHECK(exposure.at("answered")[0].at("advisory") == "A-1");
  REQUIRE(exposure.at("open").size() == 1);
  CHECK(exposure.at("open")[0].at("cves") == nlohmann::json::array({"CVE-2026-2"}));
  CHECK(exposure.at("open")[0].at("layer") == other);
  CHECK(store.Run({"status"}).out.find("OPEN: A-2 (CVE-2026-2)") != std::string::npos);
  store.Json({"activate"});
  exposure = store.Json({"status"}).at("exposure");
  CHECK(exposure.at("answered").size() == 2);
  CHECK(exposure.at("open").empty());
  store.Json({"revert", "--all"});
  CHECK(store.Json({"status"}).at("exposure").at("open").size() == 2);
}

// The recipe of docs/store.md: printf '%s\n' BASE-ID PATCH-ID... | sha256sum
std::string Recipe(const std::vector<std::string>& ids) {
  std::vector<std::string> words = {"sh", "-c", "printf '%s\\n' \"$@\" | sha256sum", "sh"};
  words.insert(words.end(), ids.begin(), ids.end());
  return RunCommand(words).out.substr(0, 64);
}

TEST_CASE(
    "a dry run shows the effective root, the changed paths and the restart wishes, and changes nothing") {
  const PolicyStore store;
  const std::string id = store.Install(store.Patch("one", "lib", 1, {"--restart", "lib.service"}));
  const auto dry = store.Json({"activate", "--dry-run"});
  CHECK(dry.at("dry_run") == true);
  CHECK(dry.at("layers") == nlohmann::json::array({store.base, id}));
  CHECK(dry.at("effective_root") == Recipe({store.base, id}));
  CHECK(dry.at("restart") == nlohmann::json::array({"lib.service"}));
  REQUIRE(dry.at("changes").size() == 1);
  CHECK(dry.at("changes")[0].at("path") == "/usr/lib");
  CHECK(dry.at("changes")[0].at("change") == "appears");
  const CommandResult words = store.Run({"activate", "--dry-run"});
  for (const std::string part :
       {"appears   /usr/lib", "wants a restart: lib.service", "effective root would be"}) {
    CHECK(words.out.find(part) != std::string::npos);
  }
  CHECK(store.Json({"status"}).at("effective_root") == Recipe({store.base}));
  store.Json({"activate"});
  CHECK(store.Json({"status"}).at("effective_root") == dry.at("effective_root"));
}

}  // namespace
}  // namespace veneer::test
