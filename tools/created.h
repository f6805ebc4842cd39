// The time that a manifest names as its making.
#pragma once

#include <string>

#include "fs/base/error.h"

namespace veneer::tools {

// RFC 3339, UTC: now, or what the environment's SOURCE_DATE_EPOCH says (seconds since 1970, see
// reproducible-builds.org), so that the same input can be sealed to the same manifest. kUsage if that is not
// a number of seconds.
Result<std::string> CreatedNow();

}  // namespace veneer::tools
