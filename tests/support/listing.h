// What readdir(3) says of a folder.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>

namespace veneer::test {

struct Listed {
  unsigned type = 0;  // d_type
  ino_t inode = 0;
};

// By name, without "." and "..".
using Listing = std::map<std::string, Listed>;

// Lists `folder`. What is wrong goes to `problem`: that it cannot be listed, a name that comes twice, or a
// place given by telldir(3) to which seekdir(3) does not lead back.
Listing NamesIn(const std::string& folder, std::string& problem);

// Takes out the names that cannot be looked up, as whiteouts that overlayfs lists.
void LeaveOutWhiteouts(const std::string& folder, Listing& names);

}  // namespace veneer::test
