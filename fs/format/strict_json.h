// JSON (RFC 8259) read so strictly that no two readers can understand one text differently.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>

#include "fs/base/bytes.h"
#include "fs/base/error.h"

namespace veneer::format {

struct JsonLimits {
  size_t size = 0;  // bytes of text
  int depth = 0;    // arrays and objects inside each other
};

// The value that `text` is. Refused beside what is no JSON: a text longer than `limits.size`, nesting deeper
// than `limits.depth` (before anything is built, so that no depth can exhaust the stack), a key that an
// object has twice, bytes that are not UTF-8, a byte order mark, and the character NUL anywhere, written out
// or as \u0000. All are kCorrupt. Any bytes are safe; a 2 MiB text takes milliseconds.
Result<nlohmann::json> ParseStrictJson(ByteSpan text, JsonLimits limits);

}  // namespace veneer::format
