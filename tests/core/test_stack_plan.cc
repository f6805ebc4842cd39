#include "fs/core/stack_plan.h"

#include "tests/core/candidates.h"
#include "tests/support/catch.h"

namespace veneer::core::testing {
namespace {

// A base "b", x (a) and (b), y (a) which requires x, and a later base "c" of version 2.
struct Shelf {
  std::vector<Candidate> layers = {Base("b", "1"), Patch("xa", "x", 1, 2), Patch("xb", "x", 2, 3),
                                   Patch("ya", "y", 1, 4, {"x"})};
  PlanFacts facts;

  const Candidate* Of(const std::string& id) const {
    for (const Candidate& layer : layers) {
      if (layer.record.id == IdOf(id)) return &layer;
    }
    return nullptr;
  }
  Result<Plan> Activate(const std::vector<std::string>& current, const std::vector<std::string>& words = {}) {
    std::vector<const Candidate*> wanted;
    for (const std::string& word : words) wanted.push_back(Of(word));
    return PlanActivation(layers, IdsOf(current), wanted, facts);
  }
};

TEST_CASE("with nothing wanted, the newest of every component comes, in the order of requirements") {
  Shelf shelf;
  const auto plan = shelf.Activate({"b"});
  REQUIRE_OK(plan);
  CHECK(plan->layers == IdsOf({"b", "xb", "ya"}));
  CHECK(plan->left_out.empty());
  CHECK(shelf.Activate({})->layers == plan->layers);
}

TEST_CASE("what is wanted is added, and an older letter than the active one is refused") {
  Shelf shelf;
  CHECK(shelf.Activate({"b"}, {"xa"})->layers == IdsOf({"b", "xa"}));
  CHECK(shelf.Activate({"b", "xa"}, {"xb"})->layers == IdsOf({"b", "xb"}));
  CHECK(shelf.Activate({"b"}, {"xb", "xa"})->layers == IdsOf({"b", "xb"}));
  REQUIRE_FAILS(ErrorCode::kDowngrade, shelf.Activate({"b", "xb"}, {"xa"}));
  REQUIRE_FAILS(ErrorCode::kMissingRequirement, shelf.Activate({"b"}, {"ya"}));
  shelf.facts.security_floor["x"] = 2;
  REQUIRE_FAILS(ErrorCode::kDowngrade, shelf.Activate({"b"}, {"xa"}));
}

TEST_CASE("a withdrawn patch does not come in, and what is active goes with what requires it") {
  Shelf shelf;
  shelf.facts.withdrawn[IdOf("xb")] = "why";
  CHECK(shelf.Activate({"b"})->layers == IdsOf({"b", "xa", "ya"}));
  REQUIRE_FAILS(ErrorCode::kWithdrawn, shelf.Activate({"b"}, {"xb"}));
  shelf.facts.withdrawn[IdOf("xa")] = "why";
  const auto plan = shelf.Activate({"b", "xb", "ya"});
  REQUIRE_OK(plan);
  CHECK(plan->layers == IdsOf({"b"}));
  REQUIRE(plan->left_out.size() == 2);
  CHECK(plan->left_out[0].patch == shelf.Of("xb"));
  CHECK(plan->left_out[0].active);
  CHECK(plan->left_out[1].patch == shelf.Of("ya"));
}

TEST_CASE("a withdrawal takes a patch off, and only a later letter takes its place") {
  Shelf shelf;
  const auto withdraw = [&](const std::string& id, const std::vector<std::string>& current) {
    shelf.facts.withdrawn[IdOf(id)] = "why";
    return PlanWithdrawal(shelf.layers, IdsOf(current), shelf.facts);
  };
  CHECK(withdraw("xa", {"b", "xa", "ya"})->layers == IdsOf({"b", "xb", "ya"}));
  CHECK(withdraw("xb", {"b", "xb"})->layers == IdsOf({"b"}));
  shelf.facts.withdrawn.clear();
  // The older x (a) is there and good, and does not come back by itself.
  const auto plan = withdraw("xb", {"b", "xb", "ya"});
  REQUIRE_OK(plan);
  CHECK(plan->layers == IdsOf({"b"}));
}

TEST_CASE("a withdrawal takes off what says that it is not removable") {
  Shelf shelf;
  shelf.layers[1].manifest.removable = false;
  REQUIRE_FAILS(ErrorCode::kFailed, PlanRevert(shelf.layers, IdsOf({"b", "xa"}), shelf.layers[1]));
  shelf.layers.erase(shelf.layers.begin() + 2);
  shelf.facts.withdrawn[IdOf("xa")] = "why";
  CHECK(PlanWithdrawal(shelf.layers, IdsOf({"b", "xa"}), shelf.facts)->layers == IdsOf({"b"}));
}

TEST_CASE("the newest base is the one of the highest version, then the latest made") {
  Shelf shelf;
  shelf.layers.push_back(Base("c", "10", 5));
  shelf.layers.push_back(Base("d", "9", 6));
  shelf.layers.push_back(Patch("za", "z", 1, 7, {}, {"10"}));
  const auto plan = shelf.Activate({"b", "xa"});
  REQUIRE_OK(plan);
  CHECK(plan->layers == IdsOf({"c", "za"}));
  REQUIRE(plan->left_out.size() == 1);
  CHECK(plan->left_out[0].patch == shelf.Of("xa"));
  CHECK(plan->left_out[0].why.find("the base is 10") != std::string::npos);
  // A patch that is wanted stays with the base that there is.
  CHECK(shelf.Activate({"b"}, {"xa"})->layers == IdsOf({"b", "xa"}));
  CHECK(shelf.Activate({"b"}, {"c"})->layers == IdsOf({"c"}));
  shelf.layers.push_back(Base("e", "10", 8));
  shelf.layers.back().manifest.created = "2026-02-01T12:00:00Z";
  CHECK(shelf.Activate({"b"})->layers.front() == IdOf("e"));
  shelf.layers.back().manifest.os->id = "other";
  CHECK(shelf.Activate({"b"})->layers.front() == IdOf("c"));
}

TEST_CASE("a newest letter whose requirement is not there leaves the older one active") {
  Shelf shelf;
  shelf.layers.push_back(Patch("yb", "y", 2, 5, {"nothing"}));
  const auto plan = shelf.Activate({"b", "xa", "ya"});
  REQUIRE_OK(plan);
  CHECK(plan->layers == IdsOf({"b", "xb", "ya"}));
  REQUIRE(plan->left_out.size() == 1);
  CHECK_FALSE(plan->left_out[0].active);
}

}  // namespace
}  // namespace veneer::core::testing
