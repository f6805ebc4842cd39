// The request to stop that a process can get: a signal sets it, long operations look for it.
//
// A signal is for the whole process, so there is one request and not an object handed from call to call.
// ParallelFor, io::CopyRange and io::RunProgram look for it between their steps and return kInterrupted; the
// error then unwinds the stack, and each owner of a temporary file removes it on the way. What looks for it
// nowhere runs to its end: nothing is ever cut off in the middle of a step.
#pragma once

#include "fs/base/error.h"

namespace veneer {

// Asks for a stop, or takes the request back. Safe in a signal handler and from any thread.
void SetCancelRequested(bool requested) noexcept;

bool CancelRequested() noexcept;

// How long poll(2) may wait before it looks for a request again: a signal that comes between the look and the
// wait does not wake it.
constexpr int kCancelPollMilliseconds = 50;

// kInterrupted, "interrupted", if a stop was asked for.
Status CheckCancel();

}  // namespace veneer
