// What `veneer status` says of policy: layers that cannot be used any more, withdrawals, and what the machine
// is still open to.
#pragma once

#include <vector>

#include "fs/base/error.h"
#include "fs/catalog/store.h"
#include "fs/core/stack_plan.h"
#include "fs/crypto/trust_store.h"

namespace veneer::tools {

class Output;

// The installed layers with the manifests that their own files hold, verified. Those that would be refused
// today if they were opened, active or not, are told and left out: their signer is no longer trusted or is
// revoked, or their file is damaged or gone.
Result<std::vector<core::Candidate>> ShowProblems(const catalog::Store& store,
                                                  const catalog::Catalog& catalog,
                                                  const crypto::TrustStore& trust, Output& output);

// The withdrawals that the store has, each with its reason and whether the layer is active; and the
// advisories that the current stack answers, and those that it does not (core::JudgeExposure).
Status ShowExposure(const catalog::Store& store, const catalog::Catalog& catalog,
                    const crypto::TrustStore& trust, const std::vector<core::Candidate>& layers,
                    Output& output);

}  // namespace veneer::tools
