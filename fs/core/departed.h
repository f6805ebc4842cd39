// Merged folders that a switch takes away, kept for whoever still works in them.
//
// A look-up under way when the switch happens, or a process whose working folder went, asks for names in a
// folder that no path leads to any more. It gets what the folder held when it went: the folder of its lowest
// layer alone could bring back a file that a patch had long replaced.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "fs/base/error.h"
#include "fs/core/view.h"

namespace veneer::core {

class DepartedKeeper {
 public:
  // All must outlive it. `next` is built and not yet shown; folders with a part in a layer of the slots
  // `unfit` are not kept.
  DepartedKeeper(const View& former, View& next, const std::set<uint16_t>& unfit)
      : former_(former), next_(next), unfit_(unfit) {}

  // Costs what the patches of `former` hold, and what had departed before. The errors of reading the layers.
  Status Run();

 private:
  Status VisitChildren(NodeId folder, const std::string& path);
  Status KeepIfGone(NodeId folder, const std::string& path);

  const View& former_;
  View& next_;
  const std::set<uint16_t>& unfit_;
};

}  // namespace veneer::core
