// What `veneer status` says of policy: layers that cannot be used any more, and withdrawals.
#pragma once

#include "fs/base/error.h"
#include "fs/catalog/store.h"
#include "fs/crypto/trust_store.h"

namespace veneer::tools {

class Output;

// The installed layers, active or not, that would be refused today if they were opened: their signer is no
// longer trusted or revoked, or their file is damaged or gone.
Status ShowProblems(const catalog::Store& store, const catalog::Catalog& catalog,
                    const crypto::TrustStore& trust, Output& output);

// The withdrawals that the store has, each with its reason and whether the layer is active.
Status ShowWithdrawals(const catalog::Store& store, const catalog::Catalog& catalog,
                       const crypto::TrustStore& trust, Output& output);

}  // namespace veneer::tools
