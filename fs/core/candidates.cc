// Reading and naming the layers that a stack is planned of.
#include "fs/catalog/catalog.h"
#include "fs/core/stack_plan.h"

namespace veneer::core {
namespace {

using format::LayerKind;

constexpr size_t kShortestId = 4;

bool IsPatchOf(const Candidate& candidate, const std::string& component) {
  return candidate.manifest.kind == LayerKind::kPatch && candidate.manifest.component == component;
}

const Candidate* NewestOf(const std::vector<Candidate>& candidates, const std::string& component) {
  const Candidate* newest = nullptr;
  for (const Candidate& candidate : candidates) {
    if (!IsPatchOf(candidate, component)) continue;
    if (newest == nullptr || candidate.manifest.sequence > newest->manifest.sequence) newest = &candidate;
  }
  return newest;
}

bool Answers(const Candidate& candidate, const std::string& word) {
  const format::Manifest& manifest = candidate.manifest;
  if (word.size() >= kShortestId && candidate.record.id.starts_with(word)) return true;
  if (manifest.name == word) return true;
  return manifest.kind == LayerKind::kPatch &&
         word == manifest.component + "@" + format::SequenceLetter(manifest.sequence);
}

}  // namespace

Result<std::vector<Candidate>> CandidatesOf(const std::vector<catalog::LayerRecord>& records) {
  std::vector<Candidate> candidates;
  for (const catalog::LayerRecord& record : records) {
    auto manifest = format::ParseManifest(AsBytes(record.manifest));
    if (!manifest) {
      return Fail(ErrorCode::kDamaged, "catalog: layer {}: {}{}", record.id, manifest.error().message(),
                  catalog::kRepairCatalog);
    }
    candidates.push_back({record, std::move(*manifest)});
  }
  return candidates;
}

Result<const Candidate*> FindCandidate(const std::vector<Candidate>& candidates, const std::string& word) {
  const Candidate* found = nullptr;
  for (const Candidate& candidate : candidates) {
    if (!Answers(candidate, word)) continue;
    if (candidate.record.id == word) return &candidate;
    if (found != nullptr)
      return Fail(ErrorCode::kUsage, "{}: fits several layers; give its id; run: veneer list", word);
    found = &candidate;
  }
  if (found == nullptr) found = NewestOf(candidates, word);
  if (found == nullptr)
    return Fail(ErrorCode::kNotFound, "{}: no such layer is installed; run: veneer list", word);
  return found;
}

}  // namespace veneer::core
