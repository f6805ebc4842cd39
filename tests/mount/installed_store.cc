#include "tests/mount/installed_store.h"

#include <sys/mount.h>

#include <filesystem>

namespace veneer::test {

InstalledStore::InstalledStore(const Workshop& shop, const std::string& folder,
                               const std::vector<std::string>& files)
    : folder_(folder) {
  std::filesystem::create_directories(mount());
  Run({"init", "--trust", shop.trust()});
  std::vector<std::string> words = {"install"};
  words.insert(words.end(), files.begin(), files.end());
  const nlohmann::json installed = Run(words);
  for (const auto& layer : installed.at("installed")) ids_.push_back(layer.at("id"));
  Run({"activate", ids_.front()});
  Run({"mount", mount()});
}

InstalledStore::~InstalledStore() {
  ::umount2(mount().c_str(), MNT_DETACH);
}

nlohmann::json InstalledStore::Run(std::vector<std::string> words) const {
  words.insert(words.begin(), {"--store", store()});
  return VeneerJson(words);
}

std::vector<std::string> InstalledStore::Current() const {
  std::vector<std::string> ids;
  const nlohmann::json status = Run({"status"});
  for (const auto& layer : status.at("layers")) ids.push_back(layer.at("id"));
  return ids;
}

}  // namespace veneer::test
