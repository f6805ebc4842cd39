#include "fs/core/stack_check.h"

#include "fs/core/stack_plan.h"
#include "tests/core/candidates.h"
#include "tests/support/catch.h"

namespace veneer::core::testing {
namespace {

Status Check(const std::vector<Candidate>& layers) {
  std::vector<const format::Manifest*> manifests;
  for (const Candidate& layer : layers) manifests.push_back(&layer.manifest);
  return CheckStack(manifests);
}

const Candidate kBase = Base("b", "1");
const Candidate kX = Patch("xa", "x", 1, 2);
const Candidate kNeedsX = Patch("ya", "y", 1, 3, {"x"});

TEST_CASE("a base alone is a stack, and so are patches over it, each above what it requires") {
  REQUIRE_OK(Check({}));
  REQUIRE_OK(Check({kBase}));
  REQUIRE_OK(Check({kBase, kX, kNeedsX}));
}

TEST_CASE("layers that are no stack are told as damage of the catalog") {
  for (const auto& layers : std::vector<std::vector<Candidate>>{{kX},
                                                                {kX, kBase},
                                                                {kBase, kBase},
                                                                {kBase, kX, Base("c", "2")},
                                                                {kBase, kX, kX},
                                                                {kBase, kX, Patch("xb", "x", 2, 4)},
                                                                {kBase, kNeedsX},
                                                                {kBase, kNeedsX, kX}}) {
    const Status checked = Check(layers);
    REQUIRE_FAILS(ErrorCode::kDamaged, checked);
    CHECK(checked.error().message().ends_with("; run: veneer repair-catalog"));
  }
}

TEST_CASE("nothing is planned from a generation that is no stack") {
  const std::vector<Candidate> layers = {kBase, kX, kNeedsX};
  for (const auto& current : std::vector<std::vector<std::string>>{
           {IdOf("xa")}, {IdOf("xa"), IdOf("b")}, {IdOf("b"), IdOf("ya")}, {IdOf("b"), IdOf("b")}}) {
    REQUIRE_FAILS(ErrorCode::kDamaged, PlanActivation(layers, current, {}, {}));
    REQUIRE_FAILS(ErrorCode::kDamaged, PlanActivation(layers, current, {&layers[1]}, {}));
    REQUIRE_FAILS(ErrorCode::kDamaged, PlanWithdrawal(layers, current, {}));
    REQUIRE_FAILS(ErrorCode::kDamaged, PlanRevert(layers, current, layers[1]));
  }
}

}  // namespace
}  // namespace veneer::core::testing
