// A mount in the foreground, and all that its server says.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/mount/switch_rig.h"

namespace veneer::test {

class LoggedMount {
 public:
  // Mounts the store at rig.mount(number), which `rig` itself does not; returns once it is there. `rig` must
  // outlive this.
  LoggedMount(const SwitchRig& rig, int number);
  ~LoggedMount();
  LoggedMount(const LoggedMount&) = delete;
  LoggedMount& operator=(const LoggedMount&) = delete;

  // What it has said so far.
  std::vector<std::string> Log() const;

  // Unmounts, requires that the server ends well, and returns all that it said.
  std::vector<std::string> End();

 private:
  const SwitchRig& rig_;
  const int number_;
  const std::string log_;
  std::optional<Command> server_;
};

// The lines by their event; "" for a line that names none.
std::map<std::string, std::vector<std::string>> ByEvent(const std::vector<std::string>& lines);

}  // namespace veneer::test
