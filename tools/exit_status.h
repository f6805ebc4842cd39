// The one place where an error becomes the program's exit status (design §11).
#pragma once

#include "fs/base/error.h"

namespace veneer::tools {

enum ExitStatus : int {
  kDone = 0,
  kFailure = 1,
  kUsageError = 2,
  kDamageFound = 3,  // something no longer matches its signed hash
  kRefused = 4,      // by signature or policy
  kBusyOrLocked = 5,
  kInterruptedBySignal = 130,
};

// The exit status of an error with `code`.
ExitStatus ExitStatusOf(ErrorCode code);

}  // namespace veneer::tools
