// Running another program and waiting for it.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "fs/base/error.h"
#include "fs/base/unique_fd.h"

namespace veneer::io {

// Runs `arguments[0]` (found along PATH) with the rest as its arguments, no standard input, and `environment`
// ("NAME=VALUE") added to ours; waits for it. None of its signals are blocked. kNotFound if the program is
// not there; kInterrupted if SIGINT ended it, or if a stop is asked for (fs/base/cancel.h), and then it is
// killed and gone; kFailed if it exits other than 0, with the last line that it wrote to standard error or
// output, or is killed; kIo otherwise.
Status RunProgram(const std::vector<std::string>& arguments,
                  const std::vector<std::string>& environment = {});

// A descriptor of the process `pid` that is readable once it has ended; invalid where there is no such
// process. See pidfd_open(2).
UniqueFd OpenProcess(pid_t pid);

}  // namespace veneer::io
