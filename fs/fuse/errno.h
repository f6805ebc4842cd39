// The one place where an Error becomes an errno.
#pragma once

#include "fs/base/error.h"

namespace veneer::fuse {

// The positive errno that a request failing with `error` is answered with.
int ErrnoOf(const Error& error);

}  // namespace veneer::fuse
