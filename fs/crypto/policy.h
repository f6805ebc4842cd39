// policy.json of a trust store. See docs/trust.md.
#pragma once

#include "fs/base/bytes.h"
#include "fs/base/error.h"
#include "fs/crypto/trust_store.h"

namespace veneer::crypto {

// The largest policy.json that is read, in bytes.
inline constexpr size_t kMaxPolicySize = 64 << 10;

// Reads the policy that `json` is, as strictly as a manifest is read. A key that is missing has its default;
// one that is not known is refused, since a misspelt "signers" would quietly ask for less than its owner
// wrote. kCorrupt; kUnsupportedSchema for a schema other than 1.
Result<Policy> ParsePolicy(ByteSpan json);

}  // namespace veneer::crypto
