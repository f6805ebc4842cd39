// why-not: every check, passed and failed.
#include <filesystem>

#include "tests/tools/policy_store.h"

namespace veneer::test {
namespace {

namespace stdfs = std::filesystem;

// The answers of why-not on `file`, by check: "passed", "skipped", or the code of the refusal.
std::map<std::string, std::string> Answers(const PolicyStore& store, const std::string& file, int status) {
  const auto json = store.Json({"why-not", file}, status);
  std::map<std::string, std::string> answers;
  for (const auto& check : json.at("checks")) {
    const auto& passed = check.at("passed");
    const bool failed = passed.is_boolean() && !passed.get<bool>();
    answers[check.at("check")] = passed.is_null() ? "skipped" : failed ? check.at("code") : "passed";
    CHECK_FALSE(std::string(check.at("detail")).empty());
  }
  return answers;
}

using Expected = std::map<std::string, std::string>;

TEST_CASE("why-not has nothing against a good layer, and changes nothing") {
  const PolicyStore store;
  const std::string file = store.Patch("one", "lib", 1);
  CHECK(Answers(store, file, 0) == Expected{{"form", "passed"},
                                            {"signature", "passed"},
                                            {"revocation", "passed"},
                                            {"time", "passed"},
                                            {"blocks", "passed"},
                                            {"system", "passed"},
                                            {"version", "passed"},
                                            {"model", "passed"},
                                            {"withdrawn", "passed"},
                                            {"sequence", "passed"},
                                            {"floor", "passed"},
                                            {"requires", "passed"},
                                            {"paths", "passed"}});
  CHECK(store.Json({"list"}).at("layers").size() == 1);
  CHECK(store.Run({"why-not", file}).out.find("nothing speaks against it") != std::string::npos);
  CHECK(Answers(store, store.shop / "base.layer", 0).at("model") == "passed");
}

TEST_CASE("why-not tells all that is wrong, not only the first") {
  const PolicyStore store;
  store.Install(store.Patch("three", "lib", 3, {"--security-floor", "3"}));
  const std::string file = store.Patch("two", "lib", 2, {"--requires", "libc"});
  store.Json({"install", store.Withdraw("w", file)});
  const Expected answers = Answers(store, file, 4);
  CHECK(answers.at("withdrawn") == "withdrawn");
  CHECK(answers.at("sequence") == "downgrade");
  CHECK(answers.at("floor") == "downgrade");
  CHECK(answers.at("requires") == "missing-requirement");
  CHECK(answers.at("paths") == "skipped");
  CHECK(answers.at("blocks") == "passed");
  const CommandResult words = store.Run({"why-not", file});
  CHECK(words.status == 4);
  CHECK(words.out.find("FAILED") != std::string::npos);
}

TEST_CASE("why-not looks at what nobody vouches for, and no further than its manifest") {
  const PolicyStore store;
  const std::string file = store.Patch("one", "lib", 1);
  stdfs::remove(store.path() + "/trust/patch.d/ca.pem");
  Expected answers = Answers(store, file, 4);
  CHECK(answers.at("form") == "passed");
  CHECK(answers.at("signature") == "untrusted");
  CHECK(answers.at("time") == "skipped");
  CHECK(answers.at("blocks") == "skipped");
  CHECK(answers.at("version") == "passed");
  CHECK(answers.at("paths") == "skipped");
  answers = Answers(store, store.shop.Write("noise", "no layer"), 4);
  CHECK(answers.at("form") == "corrupt");
  CHECK(answers.at("policy") == "skipped");
  RequireError(store.Run({"why-not", store.shop / "none"}), 1, "why-not", {"none"});
  RequireError(store.Run({"why-not", store.Withdraw("w", file)}), 2, "why-not", {"withdrawal"});
}

}  // namespace
}  // namespace veneer::test
