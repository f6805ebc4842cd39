// What is left to do where memory ends: one line, and an exit status.
#pragma once

#include <exception>

#include "fs/base/exception.h"

namespace veneer::tools {

// From now on the first allocation that fails finds something kept back for what comes after it: the way out,
// and the line that tells. One that nobody can catch, on a thread of a library's, ends the process with that
// line and status 1 instead of abort(3). For main(), before anything else; `program` is a literal.
void PrepareForNoMemory(const char* program);

// Tells that an error has been told: one line is enough.
void ErrorIsTold();

// `error`, or kNoMemory where OpenSSL was refused memory: it then calls good signatures and keys bad.
Error Suspected(Error error);

// What is to be told of an exception.
Error InternalError(const std::exception& exception);

// What `body` returns, a Status or Result, or the error that it throws.
template <typename Body>
auto Guarded(Body body) -> decltype(body()) {
  try {
    return body().map_error(Suspected);
  } catch (const std::exception& exception) {
    return tl::unexpected<Error>(InternalError(exception));
  }
}

}  // namespace veneer::tools
