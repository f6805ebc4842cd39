#include "tools/exit_status.h"

namespace veneer::tools {

ExitStatus ExitStatusOf(ErrorCode code) {
  if (IsRefusal(code)) return kRefused;
  switch (code) {
    case ErrorCode::kUsage:
      return kUsageError;
    case ErrorCode::kDamaged:
      return kDamageFound;
    case ErrorCode::kBusy:
      return kBusyOrLocked;
    case ErrorCode::kInterrupted:
      return kInterruptedBySignal;
    default:
      return kFailure;
  }
}

}  // namespace veneer::tools
