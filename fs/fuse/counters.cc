#include "fs/fuse/counters.h"

namespace veneer::fuse {

FailureKind FailureKindOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kCorrupt:
    case ErrorCode::kDamaged:
      return FailureKind::kCorrupt;
    case ErrorCode::kIo:
      return FailureKind::kIo;
    case ErrorCode::kNoMemory:
      return FailureKind::kNoMemory;
    default:
      return FailureKind::kOther;
  }
}

void Counters::AddSwitch(uint64_t longest_pause_us_of_it) {
  switches.fetch_add(1, std::memory_order_relaxed);
  pauses_us.fetch_add(longest_pause_us_of_it, std::memory_order_relaxed);
  if (longest_pause_us_of_it > longest_pause_us) longest_pause_us = longest_pause_us_of_it;
}

}  // namespace veneer::fuse
