// Layers of an imagined store, for tests of policy and plans.
#pragma once

#include <string>
#include <vector>

#include "fs/core/stack_plan.h"

namespace veneer::core::testing {

// An id that begins with `word`, as a layer's id in tests: 64 characters.
inline std::string IdOf(std::string word) {
  word.resize(64, '0');
  return word;
}

using Ids = std::vector<std::string>;

inline Ids IdsOf(const std::vector<std::string>& words) {
  Ids ids;
  for (const std::string& word : words) ids.push_back(IdOf(word));
  return ids;
}

inline Candidate Base(const std::string& id, const std::string& version, uint16_t slot = 1) {
  Candidate base;
  base.record.id = IdOf(id);
  base.record.slot = slot;
  base.manifest.kind = format::LayerKind::kBase;
  base.manifest.name = "demo " + version;
  base.manifest.os = format::OsInfo{"demo", version, {}};
  base.manifest.created = "2026-01-31T12:00:00Z";
  return base;
}

inline Candidate Patch(const std::string& id, const std::string& component, uint32_t sequence, uint16_t slot,
                       std::vector<std::string> requires_components = {},
                       std::vector<std::string> versions = {"1"}) {
  Candidate patch;
  patch.record.id = IdOf(id);
  patch.record.slot = slot;
  patch.manifest.kind = format::LayerKind::kPatch;
  patch.manifest.component = component;
  patch.manifest.sequence = sequence;
  patch.manifest.name = component + " (" + format::SequenceLetter(sequence) + ")";
  patch.manifest.applies_to = format::AppliesTo{"demo", std::move(versions), {}};
  patch.manifest.requires_components = std::move(requires_components);
  return patch;
}

}  // namespace veneer::core::testing
