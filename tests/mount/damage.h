// Damage to what a mount shows.
#pragma once

#include <string>

#include "tests/mount/switch_rig.h"

namespace veneer::test {

// A file of rig trees that all of them have, alike and several blocks long, by its path below the mount
// point.
inline constexpr const char* kLongFile = "d0/f15";

// Changes one byte of kLongFile where the store has it, and has the kernel forget what it cached. Fails the
// test if it cannot be found.
void DamageLongFile(const SwitchRig& rig);

// Has the kernel forget pages, entries and inodes.
void ForgetCaches();

// Reads all of the file `path`: 0, or the errno of what failed.
int ReadErrno(const std::string& path);

}  // namespace veneer::test
