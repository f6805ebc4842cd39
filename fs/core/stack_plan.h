// Which layers make the next generation, and in which order.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "fs/base/error.h"
#include "fs/catalog/records.h"
#include "fs/format/manifest.h"
#include "fs/layer/layer.h"

namespace veneer::core {

// A layer of the store with its manifest read. The manifest comes from the catalog, which is not trusted:
// what is planned with it is verified when the layers are opened.
struct Candidate {
  catalog::LayerRecord record;
  format::Manifest manifest;
};

// kDamaged for a record whose manifest does not parse.
Result<std::vector<Candidate>> CandidatesOf(const std::vector<catalog::LayerRecord>& records);

// The candidate that `word` names: an id or the beginning of one (4 characters or more), a name, a component
// (its newest sequence), or COMPONENT@LETTER. kNotFound; kUsage where several fit.
Result<const Candidate*> FindCandidate(const std::vector<Candidate>& candidates, const std::string& word);

// The stack in which `wanted` are added to `current` (ids, base first; empty: none). With nothing wanted, the
// newest sequence of every component that applies to the base is. A base among them takes the place of the
// base, and patches that do not apply to it fall away. A newer sequence takes the place of the older. Ordered
// so that what a patch requires lies below it. kNotFound: no base. kNotApplicable, kMissingRequirement,
// kConflict (two bases).
Result<std::vector<std::string>> PlanActivation(const std::vector<Candidate>& candidates,
                                                const std::vector<std::string>& current,
                                                const std::vector<const Candidate*>& wanted,
                                                const std::string& model);

// `current` without `layer`. kUsage: it is not in the stack, or is the base. kConflict: another patch
// requires it. kFailed: it is not removable.
Result<std::vector<std::string>> PlanRevert(const std::vector<Candidate>& candidates,
                                            const std::vector<std::string>& current, const Candidate& layer);

// Refuses a stack (base first) in which two patches of different components touch one path and the upper does
// not require the lower. kConflict, naming both and the path; the errors of reading the layers.
Status CheckPathConflicts(const std::vector<std::shared_ptr<const layer::Layer>>& stack);

}  // namespace veneer::core
