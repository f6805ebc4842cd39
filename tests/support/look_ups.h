// Comparing what two folders answer to paths, whether a listing has them or not.
#pragma once

#include <set>
#include <string>

namespace veneer::test {

// Asks `left` and `right` for each of `paths`: lstat(2) as root, and access(2) as each of some other users.
// Returns a line for each that is answered differently, the empty text if none is. Lists nothing on the way,
// so that an answer out of a stale cache is seen, and leaves what is absent cached as absent. Needs root; no
// other thread may be running.
std::string DescribeLookUps(const std::string& left, const std::string& right,
                            const std::set<std::string>& paths);

}  // namespace veneer::test
