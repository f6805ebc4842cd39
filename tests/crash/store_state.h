// What a store is, for telling whether it is in the old or the new generation, and whole.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace veneer::test {

struct StoreState {
  std::vector<std::string> current, pending;  // layer ids, base first
  std::set<std::string> installed;            // layer ids
  std::map<std::string, uint32_t> sequences;  // highest seen, by component
  std::map<std::string, uint32_t> floors;     // by component
  std::set<std::string> withdrawn;            // layer ids
  bool operator==(const StoreState&) const = default;
};

// Opens the store `path`, verifies every layer that its catalog names to the last block, and says what it is.
// Otherwise what is wrong with it goes into `wrong`.
std::optional<StoreState> ReadWholeStore(const std::string& path, std::string& wrong);

// What lies in the store `path` that a command has left behind, by name.
std::set<std::string> LeftoversIn(const std::string& path, const StoreState& state);

}  // namespace veneer::test
