// The raw side of /dev/fuse: what libfuse has no call for. Specification: Linux include/uapi/linux/fuse.h.
#pragma once

#include "fs/base/bytes.h"
#include "fs/base/error.h"

namespace veneer::fuse {

// The kernel's first message on a freshly mounted `device`, FUSE_INIT, as it is. It is sent once, and each
// worker has to hear it. kFailed for anything else, kIo.
Result<Bytes> ReadInit(int device);

// Has the kernel send again the requests that were read and not answered. Does nothing on a kernel
// before 6.9, which cannot: those requests then wait for ever. kIo.
Status ResendRequests(int device);

// Whether the file system of `device` is mounted nowhere any more, or its connection was cut.
bool IsUnmounted(int device);

// Whether reading waits for a request. All who have `device` share this, and it outlives them. kIo.
Status SetBlocking(int device, bool blocking);

enum class Refusal { kNothingToRefuse, kRefused, kGone };

// Takes one request, if there is any, and answers it with EIO. Reading waits afterwards. kIo.
Result<Refusal> RefuseOneRequest(int device);

}  // namespace veneer::fuse
