// What the servers of a store's mounts have open, and what they and commands leave behind.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "tests/mount/switch_rig.h"

namespace veneer::test {

// What the supervisors of mount(0) and mount(1) have open, sorted, while a client of each waits.
std::vector<std::vector<std::string>> OpenFiles(const SwitchRig& rig);

// The names in the folder of the control sockets.
std::set<std::string> ControlFiles(const SwitchRig& rig);

// The processes that run with the store among their arguments: commands, guardians, supervisors and workers.
std::set<pid_t> ProcessesOf(const SwitchRig& rig);

}  // namespace veneer::test
