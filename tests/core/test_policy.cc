#include "fs/core/policy.h"

#include "tests/core/candidates.h"
#include "tests/support/catch.h"

namespace veneer::core::testing {
namespace {

InstallFacts Facts() {
  InstallFacts facts;
  facts.bases = {{"demo", "1", {}}};
  return facts;
}

Status Judge(const Candidate& layer, const InstallFacts& facts) {
  return FirstRefusal(JudgeInstall(layer.record.id, layer.manifest, facts), "it");
}

TEST_CASE("each check refuses with its own code, and all of them are answered") {
  Candidate patch = Patch("xb", "x", 2, 2);
  REQUIRE_OK(Judge(patch, Facts()));
  CHECK(JudgeInstall(patch.record.id, patch.manifest, Facts()).size() == 7);

  InstallFacts facts = Facts();
  facts.highest_sequence["x"] = 2;
  facts.security_floor["x"] = 2;
  REQUIRE_OK(Judge(patch, facts));
  facts.highest_sequence["x"] = 3;
  REQUIRE_FAILS(ErrorCode::kDowngrade, Judge(patch, facts));
  facts = Facts();
  facts.security_floor["x"] = 3;
  REQUIRE_FAILS(ErrorCode::kDowngrade, Judge(patch, facts));
  facts = Facts();
  facts.withdrawn[patch.record.id] = "why";
  REQUIRE_FAILS(ErrorCode::kWithdrawn, Judge(patch, facts));
  facts = Facts();
  facts.bases = {{"demo", "1.1", {}}};
  REQUIRE_FAILS(ErrorCode::kNotApplicable, Judge(patch, facts));
  facts.bases.push_back({"demo", "1", {}});
  REQUIRE_OK(Judge(patch, facts));
  facts.bases.clear();
  REQUIRE_FAILS(ErrorCode::kNotApplicable, Judge(patch, facts));
  patch.manifest.requires_components = {"y"};
  REQUIRE_FAILS(ErrorCode::kMissingRequirement, Judge(patch, Facts()));
  patch.manifest.requires_components.clear();
  patch.manifest.applies_to->models = {"m"};
  REQUIRE_FAILS(ErrorCode::kNotApplicable, Judge(patch, Facts()));
  facts = Facts();
  facts.model = "m";
  REQUIRE_OK(Judge(patch, facts));
}

TEST_CASE("a base is judged by its models alone: no mark and no withdrawal locks it out") {
  Candidate base = Base("b", "1");
  InstallFacts facts;
  facts.withdrawn[base.record.id] = "why";
  REQUIRE_OK(Judge(base, facts));
  base.manifest.os->models = {"m"};
  REQUIRE_FAILS(ErrorCode::kNotApplicable, Judge(base, facts));
}

TEST_CASE("a clock that went backwards is not believed") {
  catalog::State state;
  CHECK(BelievedTime(state, -5) == 0);
  state.latest_time = 1000;
  CHECK(BelievedTime(state, 999) == 1000);
  CHECK(BelievedTime(state, 1001) == 1001);
}

}  // namespace
}  // namespace veneer::core::testing
