#include "fs/core/exposure.h"

#include "tests/core/candidates.h"
#include "tests/support/catch.h"

namespace veneer::core::testing {
namespace {

using Texts = std::vector<std::string>;

Candidate Answering(Candidate patch, const std::string& advisory, Texts cves) {
  patch.manifest.advisories.push_back({advisory, std::move(cves), "high", "a summary"});
  return patch;
}

// The advisories of `stands`, each with its CVEs.
Texts Show(const std::vector<AdvisoryStand>& stands) {
  Texts texts;
  for (const AdvisoryStand& stand : stands) {
    std::string text = stand.advisory->id;
    for (const std::string& cve : stand.cves) text += " " + cve;
    texts.push_back(text + (stand.withdrawn ? " withdrawn" : ""));
  }
  return texts;
}

TEST_CASE("what active patches answer, and what the others would") {
  const std::vector<Candidate> layers = {
      Base("b", "1"),
      Answering(Patch("xa", "x", 1, 2), "A-1", {"C-1", "C-2"}),
      Answering(Patch("ya", "y", 1, 3), "A-2", {"C-2", "C-3"}),
      Answering(Patch("za", "z", 1, 4), "A-3", {"C-1"}),
      Answering(Patch("va", "v", 1, 5), "A-4", {}),
      Answering(Patch("wa", "w", 1, 6, {}, {"2"}), "A-5", {"C-5"}),
  };
  const Exposure exposure = JudgeExposure(layers, {IdOf("b"), IdOf("xa")}, {});
  CHECK(Show(exposure.answered) == Texts{"A-1 C-1 C-2"});
  // A-2 but for what is answered; not A-3, all of which is; A-4 without any CVE; nothing for another base.
  CHECK(Show(exposure.open) == Texts{"A-2 C-3", "A-4"});
}

TEST_CASE("letters of one component: a later one stands for the older, an older one does not for the later") {
  const std::vector<Candidate> layers = {Base("b", "1"), Answering(Patch("xa", "x", 1, 2), "A-1", {"C-1"}),
                                         Answering(Patch("xb", "x", 2, 3), "A-2", {"C-2"}),
                                         Answering(Patch("xc", "x", 3, 4), "A-2", {"C-2"})};
  CHECK(JudgeExposure(layers, {IdOf("b"), IdOf("xc")}, {}).open.empty());
  const Exposure exposure = JudgeExposure(layers, {IdOf("b"), IdOf("xa")}, {});
  CHECK(Show(exposure.open) == Texts{"A-2 C-2"});
  CHECK(exposure.open.at(0).patch == &layers[3]);
}

TEST_CASE("a patch that was withdrawn leaves the machine open, and an active one is told to be withdrawn") {
  const std::vector<Candidate> layers = {Base("b", "1"), Answering(Patch("xa", "x", 1, 2), "A-1", {"C-1"})};
  PlanFacts facts;
  facts.withdrawn[IdOf("xa")] = "why";
  CHECK(Show(JudgeExposure(layers, {IdOf("b")}, facts).open) == Texts{"A-1 C-1 withdrawn"});
  CHECK(Show(JudgeExposure(layers, {IdOf("b"), IdOf("xa")}, facts).answered) == Texts{"A-1 C-1 withdrawn"});
  CHECK(JudgeExposure(layers, {}, facts).open.empty());
  CHECK(JudgeExposure(layers, {IdOf("gone")}, facts).open.empty());
}

}  // namespace
}  // namespace veneer::core::testing
