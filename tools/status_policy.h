// What `veneer status` says of policy: withdrawals.
#pragma once

#include "fs/base/error.h"
#include "fs/catalog/store.h"
#include "fs/crypto/trust_store.h"

namespace veneer::tools {

class Output;

// The withdrawals that the store has, each with its reason and whether the layer is active.
Status ShowWithdrawals(const catalog::Store& store, const catalog::Catalog& catalog,
                       const crypto::TrustStore& trust, Output& output);

}  // namespace veneer::tools
