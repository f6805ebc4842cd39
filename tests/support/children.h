#pragma once

#include <sys/types.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace veneer::test {

// The children of `process`, which has one thread; none once it has ended.
inline std::vector<pid_t> ChildrenOf(pid_t process) {
  const std::string pid = std::to_string(process);
  std::ifstream list("/proc/" + pid + "/task/" + pid + "/children");
  return {std::istream_iterator<pid_t>(list), std::istream_iterator<pid_t>()};
}

}  // namespace veneer::test
