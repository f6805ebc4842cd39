// The raw side of /dev/fuse: what libfuse has no call for. Specification: Linux include/uapi/linux/fuse.h.
#pragma once

#include <cstdint>

#include "fs/base/bytes.h"
#include "fs/base/error.h"
#include "fs/fuse/lookup_counts.h"

namespace veneer::fuse {

// Reads the next request into `room`, of kRequestSize. False when there is none at the moment or it was taken
// back. kNotFound when unmounted, kNoMemory, kIo.
Result<bool> ReadRequest(int device, MutableByteSpan room);

// The kernel's first message on a freshly mounted `device`, FUSE_INIT, as it is. It is sent once, and each
// worker has to hear it. kFailed for anything else; as for ReadRequest.
Result<Bytes> ReadInit(int device);

// Has the kernel send again the requests that were read and not answered. Does nothing on a kernel
// before 6.9, which cannot: those requests then wait for ever. kIo.
Status ResendRequests(int device);

// Whether the kernel surely waits for the answer to `unique`, a request that was read from `device` and was
// not sent again since. Nobody may be about to answer it.
bool IsUnanswered(int device, uint64_t unique);

// Whether the file system of `device` is mounted nowhere any more, or its connection was cut.
bool IsUnmounted(int device);

// Whether reading waits for a request. All who have `device` share this, and it outlives them. kIo.
Status SetBlocking(int device, bool blocking);

enum class Refusal { kNothingToRefuse, kRefused, kGone };

// Takes one request, if there is any, and answers it with EIO; lowers `counts` by what it gives back. Reading
// waits afterwards. kNoMemory, kIo.
Result<Refusal> RefuseOneRequest(int device, LookupCounts& counts);

}  // namespace veneer::fuse
