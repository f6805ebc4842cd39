// A stop that is asked for while a test's block runs, and no longer.
#pragma once

#include "fs/base/cancel.h"

namespace veneer::test {

class ScopedCancel {
 public:
  ScopedCancel() { SetCancelRequested(true); }
  ~ScopedCancel() { SetCancelRequested(false); }
  ScopedCancel(const ScopedCancel&) = delete;
  ScopedCancel& operator=(const ScopedCancel&) = delete;
};

}  // namespace veneer::test
