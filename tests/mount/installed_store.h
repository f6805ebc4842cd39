// A store of its own with layers installed, served by the real program at a mount point of its own.
#pragma once

#include <string>
#include <vector>

#include "tests/tools/program.h"

namespace veneer::test {

class InstalledStore {
 public:
  // Makes the store in the folder `folder`, installs `files` (base first), makes the base current and mounts.
  InstalledStore(const Workshop& shop, const std::string& folder, const std::vector<std::string>& files);
  ~InstalledStore();
  InstalledStore(const InstalledStore&) = delete;
  InstalledStore& operator=(const InstalledStore&) = delete;

  // Runs the program's verb on the store; it must succeed.
  nlohmann::json Run(std::vector<std::string> words) const;

  // The ids of the current generation's layers, base first.
  std::vector<std::string> Current() const;

  std::string store() const { return folder_ + "/store"; }
  std::string mount() const { return folder_ + "/mnt"; }
  std::string LayerFile(const std::string& id) const { return store() + "/layers/" + id + ".layer"; }
  const std::vector<std::string>& ids() const { return ids_; }  // of the files, in their order

 private:
  std::string folder_;
  std::vector<std::string> ids_;
};

}  // namespace veneer::test
