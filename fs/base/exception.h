// Exceptions of the libraries below us, as errors.
#pragma once

#include <exception>

#include "fs/base/error.h"

namespace veneer {

// The error that an exception stands for. kNoMemory where no memory or no thread could be had; kFailed
// otherwise, with its words.
Error ErrorOf(const std::exception& exception);

}  // namespace veneer
