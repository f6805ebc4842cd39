// Which layers make the next generation, and in which order.
#pragma once

#include <cstdint>
#include <map>
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

// What a stack is planned by, beside the layers.
struct PlanFacts {
  std::string model;                               // of this machine; empty: not said
  std::map<std::string, uint32_t> security_floor;  // by component
  std::map<std::string, std::string> withdrawn;    // reasons, by layer id
};

// A patch that might be in the stack and is left out.
struct LeftOut {
  const Candidate* patch = nullptr;
  bool active = false;  // it is in the current stack
  std::string why;
};

struct Plan {
  std::vector<std::string> layers;  // ids, base first
  std::vector<LeftOut> left_out;    // by component
};

// kDamaged for a record whose manifest does not parse.
Result<std::vector<Candidate>> CandidatesOf(const std::vector<catalog::LayerRecord>& records);

// The candidate that `word` names: an id or the beginning of one (4 characters or more), a name, a component
// (its newest sequence), or COMPONENT@LETTER. kNotFound; kUsage where several fit.
Result<const Candidate*> FindCandidate(const std::vector<Candidate>& candidates, const std::string& word);

// The stack in which `wanted` are added to `current` (ids, base first; empty: none). With nothing wanted, the
// newest base and the newest sequence of every component that applies to it. Of bases of one system the
// newest has the highest version, then the latest making. A base that is wanted takes the place of the
// current one. Patches that do not apply to the base or are withdrawn are left out, and with them those that
// require them. A newer sequence takes the place of the older. Ordered so that what a patch requires lies
// below it. What is wanted is never left out but refused: kWithdrawn, kNotApplicable, kMissingRequirement,
// kDowngrade (older than the active one, or below the security floor), kConflict (two bases). kNotFound: no
// base.
Result<Plan> PlanActivation(const std::vector<Candidate>& candidates, const std::vector<std::string>& current,
                            const std::vector<const Candidate*>& wanted, const PlanFacts& facts);

// `current` without what is withdrawn and what requires that. A later sequence that is installed and not
// withdrawn takes the place of a withdrawn one; an older one never does. `current` is not empty.
Result<Plan> PlanWithdrawal(const std::vector<Candidate>& candidates, const std::vector<std::string>& current,
                            const PlanFacts& facts);

// `current` without `layer`. This is the only thing that a patch's `removable: false` binds: dropping all
// patches, going back to a generation, a later sequence, another base and a withdrawal take such a patch off
// all the same. kUsage: it is not in the stack, or is the base. kConflict: another patch requires it.
// kFailed: it is not removable.
Result<std::vector<std::string>> PlanRevert(const std::vector<Candidate>& candidates,
                                            const std::vector<std::string>& current, const Candidate& layer);

// Refuses a stack (base first) in which two patches of different components touch one path and the upper does
// not require the lower. kConflict, naming both and the path; the errors of reading the layers.
Status CheckPathConflicts(const std::vector<std::shared_ptr<const layer::Layer>>& stack);

}  // namespace veneer::core
