#include "fs/core/garbage.h"

#include "tests/support/catch.h"

namespace veneer::core {
namespace {

Candidate Base(const std::string& id) {
  Candidate base;
  base.record.id = id;
  base.manifest.kind = format::LayerKind::kBase;
  return base;
}

Candidate Patch(const std::string& id, const std::string& component, uint32_t sequence) {
  Candidate patch;
  patch.record.id = id;
  patch.manifest.kind = format::LayerKind::kPatch;
  patch.manifest.component = component;
  patch.manifest.sequence = sequence;
  return patch;
}

catalog::GenerationRecord Generation(uint64_t number, std::vector<std::string> layers) {
  catalog::GenerationRecord generation;
  generation.number = number;
  generation.layers = std::move(layers);
  return generation;
}

// The ids of the layers that are not needed.
std::string Garbage(const GarbageFacts& facts) {
  std::string ids;
  for (const Verdict& verdict : JudgeGarbage(facts)) {
    CHECK_FALSE(verdict.reason.empty());
    if (!verdict.needed) ids += verdict.layer->record.id;
  }
  return ids;
}

TEST_CASE("layers that only former generations hold are garbage, others are not") {
  GarbageFacts facts;
  facts.layers = {Base("B"), Patch("1", "c", 1), Patch("2", "c", 2), Patch("3", "c", 3), Patch("x", "d", 1)};
  facts.generations = {Generation(1, {"B"}), Generation(2, {"B", "1"}), Generation(3, {"B", "2"}),
                       Generation(4, {"B", "3"})};
  facts.state.current = 4;
  CHECK(Garbage(facts) == "1");
  facts.keep = 0;
  CHECK(Garbage(facts) == "12");
  facts.keep = 5;
  CHECK(Garbage(facts) == "");
  facts.keep = 0;
  facts.mounted = {2};
  CHECK(Garbage(facts) == "2");
  facts.state.last_good = 3;
  CHECK(Garbage(facts) == "");
}

TEST_CASE("going to and fro between two generations does not make others the last to go back to") {
  GarbageFacts facts;
  facts.layers = {Base("B"), Patch("1", "c", 1), Patch("2", "d", 1)};
  facts.generations = {Generation(1, {"B", "2"}), Generation(2, {"B", "1"}), Generation(3, {"B"}),
                       Generation(4, {"B", "1"}), Generation(5, {"B"})};
  facts.state.current = 5;
  CHECK(Garbage(facts) == "2");
  facts.keep = 2;
  CHECK(Garbage(facts) == "");
}

TEST_CASE("what waits to be activated stays, unless a newer one is there") {
  GarbageFacts facts;
  facts.layers = {Base("B"), Base("C"), Patch("1", "c", 1), Patch("2", "c", 2)};
  facts.generations = {Generation(1, {"B"})};
  facts.state.current = 1;
  CHECK(Garbage(facts) == "1");
}

TEST_CASE("a pending generation is needed although it is not current yet") {
  GarbageFacts facts;
  facts.layers = {Base("B"), Base("C")};
  facts.generations = {Generation(1, {"B"}), Generation(2, {"C"}), Generation(3, {"B"})};
  facts.state.current = 3;
  facts.keep = 0;
  CHECK(Garbage(facts) == "C");
  facts.state.pending = 2;
  CHECK(Garbage(facts) == "");
}

}  // namespace
}  // namespace veneer::core
