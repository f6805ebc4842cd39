// The family `state`, entry by entry.
#pragma once

#include <string_view>

#include "fs/base/error.h"
#include "fs/catalog/records.h"

namespace veneer::catalog {

// Takes the entry `name` with `value` into `state`. Names that are not ours to read are passed over, and so
// are the counters (see remains.h and batch.h). kDamaged for a value that is not what it should be; `state`
// is then as it was.
Status ReadMark(std::string_view name, std::string_view value, State& state);

}  // namespace veneer::catalog
