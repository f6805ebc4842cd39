#include "fs/core/former_stack.h"

#include "tests/core/candidates.h"
#include "tests/support/catch.h"

namespace veneer::core::testing {
namespace {

// A base, x (a) and (b), y (a) which requires x, and z (a), which its owner never made current.
struct Shelf {
  std::vector<Candidate> layers = {Base("b", "1"), Patch("xa", "x", 1, 2), Patch("xb", "x", 2, 3),
                                   Patch("ya", "y", 1, 4, {"x"}), Patch("za", "z", 1, 5)};
  PlanFacts facts;
  FormerStack former;

  Shelf(const std::vector<std::string>& words, bool certain) { former = {IdsOf(words), certain, false}; }
  ChosenStack Choose() const {
    auto chosen = ChooseStack(layers, former, facts);
    REQUIRE_OK(chosen);
    return *chosen;
  }
  void Lose(const std::string& word) {
    std::erase_if(layers, [&](const Candidate& layer) { return layer.record.id == IdOf(word); });
  }
};

const std::vector<std::string> kNewest = {"b", "xb", "ya", "za"};

TEST_CASE("a stack that is there stays just as it was, though there is newer") {
  const bool certain = GENERATE(false, true);
  const Shelf shelf({"b", "xa"}, certain);
  const ChosenStack chosen = shelf.Choose();
  CHECK(chosen.layers == IdsOf({"b", "xa"}));
  CHECK(chosen.kept);
  CHECK(chosen.missing.empty());
}

TEST_CASE("a layer that is missing takes with it what requires it, and brings nothing else in") {
  Shelf shelf({"b", "xa", "ya"}, true);
  shelf.Lose("xa");
  const ChosenStack chosen = shelf.Choose();
  CHECK(chosen.layers == IdsOf({"b"}));
  CHECK_FALSE(chosen.kept);
  CHECK(chosen.from_former);
  CHECK(chosen.missing == IdsOf({"xa"}));
  REQUIRE(chosen.left_out.size() == 1);
  CHECK(chosen.left_out[0].patch->record.id == IdOf("ya"));
}

TEST_CASE("what is no stack, not known, or has lost its base gives way to the newest of everything") {
  for (const auto& words : std::vector<std::vector<std::string>>{
           {}, {"xa"}, {"xa", "b"}, {"b", "b"}, {"b", "xa", "xb"}, {"other", "xa"}}) {
    const ChosenStack chosen = Shelf(words, true).Choose();
    CHECK(chosen.layers == IdsOf(kNewest));
    CHECK_FALSE(chosen.from_former);
  }
  Shelf shelf({"b"}, true);
  shelf.Lose("b");
  CHECK(shelf.Choose().layers.empty());
  CHECK(shelf.Choose().missing == IdsOf({"b"}));
}

TEST_CASE("a withdrawn patch does not come through, and only a later letter takes its place") {
  Shelf shelf({"b", "xa", "ya"}, true);
  shelf.facts.withdrawn[IdOf("xa")] = "why";
  CHECK(shelf.Choose().layers == IdsOf({"b", "xb", "ya"}));
  CHECK_FALSE(shelf.Choose().kept);
  shelf.Lose("xb");
  CHECK(shelf.Choose().layers == IdsOf({"b"}));
}

TEST_CASE("a stack that may be an older one is bound by floors, but for the owner's revert") {
  Shelf shelf({"b", "xa"}, false);
  shelf.facts.security_floor["x"] = 2;
  CHECK(shelf.Choose().layers == IdsOf(kNewest));
  shelf.former.reverted = true;
  CHECK(shelf.Choose().layers == IdsOf({"b", "xa"}));
  shelf.former = {shelf.former.layers, true, false};
  CHECK(shelf.Choose().layers == IdsOf({"b", "xa"}));
}

}  // namespace
}  // namespace veneer::core::testing
