// libfuse's low-level API, at the version that Debian 12 has.
#pragma once

#define FUSE_USE_VERSION 314
#include <fuse3/fuse_lowlevel.h>
