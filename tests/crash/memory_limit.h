// A program under a limit of memory that falls until allocations fail.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/support/run_command.h"

namespace veneer::test {

// What prlimit(1) limits: all addresses, or data alone.
struct MemoryLimit {
  std::string resource;  // "as", "data"
  uint64_t bytes = 0;
};

// `argv`, run under the limit.
CommandResult RunLimited(const MemoryLimit& limit, const std::vector<std::string>& argv);

// The lowest limit of `resource` with which `works`, to 64 KiB; it must be so with a GiB.
MemoryLimit LowestLimit(const std::string& resource, const std::function<bool(const MemoryLimit&)>& works);

// Some limits of `resource`, from the lowest that the program can be loaded with to the lowest with which
// `works`.
std::vector<MemoryLimit> FallingLimits(const std::string& resource, int steps,
                                       const std::function<bool(const MemoryLimit&)>& works);

// Requires that the command `verb` ended for want of memory with status 1 and one line that says so. Also
// right: the line of the program that it runs, if it names `helper`.
void RequireOutOfMemory(const CommandResult& result, const std::string& verb, const std::string& helper = "");

}  // namespace veneer::test
