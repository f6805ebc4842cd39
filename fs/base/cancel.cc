#include "fs/base/cancel.h"

#include <atomic>

namespace veneer {
namespace {

std::atomic<bool> cancel_requested{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may not wait for a lock");

}  // namespace

void SetCancelRequested(bool requested) noexcept {
  cancel_requested.store(requested, std::memory_order_relaxed);
}

bool CancelRequested() noexcept {
  return cancel_requested.load(std::memory_order_relaxed);
}

Status CheckCancel() {
  if (CancelRequested()) return Fail(ErrorCode::kInterrupted, "interrupted");
  return {};
}

}  // namespace veneer
