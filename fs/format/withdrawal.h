// A withdrawal: the publisher's word that a patch must no longer be used. JSON, schema 1, signed in the feed
// role. See docs/format/withdrawal.md and design §7.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "fs/base/bytes.h"
#include "fs/base/error.h"

namespace veneer::format {

inline constexpr int kWithdrawalSchema = 1;

// The longest text that is parsed at all, in bytes.
inline constexpr size_t kMaxWithdrawalSize = 16 << 10;

struct Withdrawal {
  std::string layer;      // id of the patch, hexadecimal: this alone is what binds
  std::string component;  // of that patch, for people
  uint32_t sequence = 0;  // likewise, 1, 2, ...
  std::string reason;     // one line for a person
  std::string created;    // RFC 3339, UTC
};

// Parses and checks a withdrawal. Read as strictly as a manifest; unknown keys are passed over. kCorrupt if
// it is not such JSON or a key is missing, of the wrong type or out of range; kUnsupportedSchema for another
// `schema`. The message names the key. Any bytes are safe.
Result<Withdrawal> ParseWithdrawal(ByteSpan json);

// The JSON text of `withdrawal`, with keys in a fixed order, ready to be signed. Nothing is checked: what
// came from a person is checked by ParseWithdrawal of the result.
std::string WriteWithdrawal(const Withdrawal& withdrawal);

}  // namespace veneer::format
