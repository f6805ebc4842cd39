// The program from its arguments to its exit status.
#pragma once

#include "fs/catalog/medium.h"

namespace veneer::tools {

// Parses `argv`, runs the verb that it names and says what came of it. Returns the exit status. No exception
// leaves it.
// The store is changed through `medium`.
int RunCommandLine(int argc, const char* const* argv, const catalog::Medium& medium = {});

}  // namespace veneer::tools
