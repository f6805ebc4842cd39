// What other processes do, children or not.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "tests/support/run_command.h"

namespace veneer::test {

// Whether it has threads that run: what has ended and is only not waited for does not.
bool Runs(pid_t process);

// Stops all threads of `process`, which must be there; returns once they do nothing any more.
void Stop(pid_t process);

// The children of `process`, which has one thread; none once it has ended.
std::vector<pid_t> ChildrenOf(pid_t process);

// Each of these returns once it is so, and fails the test if it does not come to be.

// It has ended, and holds nothing any more.
void WaitForEnd(pid_t process);

// Whether it has something open whose name in /proc begins so: a path, or "socket:". Not where it has ended.
bool HasOpen(pid_t process, const std::string& prefix);

// `command` has something open whose name in /proc begins so: a path, or "socket:".
void WaitForOpen(const Command& command, const std::string& prefix);

// A worker that has just begun has lived: one that dies sooner passes for one that dies at once.
void LetWorkerLive();

// One after the other was killed, and has ended.
void KillEach(const std::vector<pid_t>& processes);

// Kills the worker whose pid `worker` gives; another is there. It gives 0 while there is none.
void KillWorker(const std::function<pid_t()>& worker);

}  // namespace veneer::test
