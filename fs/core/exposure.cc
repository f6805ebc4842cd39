#include "fs/core/exposure.h"

#include <algorithm>
#include <map>
#include <set>

#include "fs/core/policy.h"

namespace veneer::core {
namespace {

using format::LayerKind;

// What the active patches answer.
struct Answered {
  std::set<std::string> advisories;
  std::set<std::string> cves;
  std::map<std::string, uint32_t> sequences;  // by component
};

const Candidate* Find(const std::vector<Candidate>& candidates, const std::string& id) {
  const auto found = std::find_if(candidates.begin(), candidates.end(),
                                  [&](const Candidate& candidate) { return candidate.record.id == id; });
  return found == candidates.end() ? nullptr : &*found;
}

bool IsFor(const Candidate& patch, const Candidate& base, const PlanFacts& facts) {
  return patch.manifest.kind == LayerKind::kPatch &&
         FirstRefusal(JudgeApplicability(patch.manifest, *base.manifest.os, facts.model), patch.manifest.name)
             .has_value();
}

bool IsReplaced(const Candidate& patch, const Answered& answered) {
  const auto active = answered.sequences.find(patch.manifest.component);
  return active != answered.sequences.end() && active->second >= patch.manifest.sequence;
}

// Whether `advisory` is open, and which of its CVEs are.
bool IsOpen(const format::Advisory& advisory, const Answered& answered, std::vector<std::string>& cves) {
  if (answered.advisories.contains(advisory.id)) return false;
  for (const std::string& cve : advisory.cves) {
    if (!answered.cves.contains(cve)) cves.push_back(cve);
  }
  return advisory.cves.empty() || !cves.empty();
}

}  // namespace

Exposure JudgeExposure(const std::vector<Candidate>& candidates, const std::vector<std::string>& current,
                       const PlanFacts& facts) {
  Exposure exposure;
  const Candidate* base = current.empty() ? nullptr : Find(candidates, current.front());
  if (base == nullptr || base->manifest.kind != LayerKind::kBase) return exposure;
  Answered answered;
  for (const std::string& id : current) {
    const Candidate* active = Find(candidates, id);
    if (active == nullptr || active == base) continue;
    answered.sequences[active->manifest.component] = active->manifest.sequence;
    for (const format::Advisory& advisory : active->manifest.advisories) {
      answered.advisories.insert(advisory.id);
      answered.cves.insert(advisory.cves.begin(), advisory.cves.end());
      exposure.answered.push_back(
          {&advisory, active, advisory.cves, facts.withdrawn.contains(active->record.id)});
    }
  }
  std::map<std::string, AdvisoryStand> open;  // by advisory
  for (const Candidate& patch : candidates) {
    if (!IsFor(patch, *base, facts) || IsReplaced(patch, answered)) continue;
    for (const format::Advisory& advisory : patch.manifest.advisories) {
      AdvisoryStand stand{&advisory, &patch, {}, facts.withdrawn.contains(patch.record.id)};
      if (!IsOpen(advisory, answered, stand.cves)) continue;
      const auto present = open.find(advisory.id);
      if (present == open.end() || patch.manifest.sequence > present->second.patch->manifest.sequence) {
        open[advisory.id] = std::move(stand);
      }
    }
  }
  for (auto& [id, stand] : open) exposure.open.push_back(std::move(stand));
  return exposure;
}

}  // namespace veneer::core
