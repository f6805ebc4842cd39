#include "tests/tools/snapshot.h"

#include <filesystem>

#include "fs/base/bytes.h"
#include "fs/catalog/database.h"
#include "fs/catalog/keys.h"
#include "fs/crypto/sha256.h"
#include "tests/support/catch.h"
#include "tests/tools/forge.h"

namespace veneer::test {
namespace {

namespace stdfs = std::filesystem;

std::string Describe(const stdfs::directory_entry& entry) {
  const auto permissions = static_cast<unsigned>(entry.symlink_status().permissions());
  if (entry.is_symlink()) return "link to " + stdfs::read_symlink(entry.path()).string();
  if (!entry.is_regular_file()) return "mode " + std::to_string(permissions);
  return "mode " + std::to_string(permissions) + " " + ToHex(crypto::Sha256(AsBytes(ReadFile(entry.path()))));
}

// What a mount tells of itself comes when it comes, and not of what is asked of the store.
bool IsToldByMount(catalog::FamilyIndex family, std::string_view value) {
  return family == catalog::kEvents && value.find("\"by\":\"mount process ") != std::string_view::npos;
}

void AddEntries(const std::string& path, std::map<std::string, std::string>& snapshot) {
  const auto database = catalog::Database::OpenForReading(path, catalog::Logs::kWhole);
  REQUIRE_OK(database);
  for (size_t family = 0; family < catalog::kFamilyCount; ++family) {
    const auto index = static_cast<catalog::FamilyIndex>(family);
    REQUIRE_OK((*database)->Scan(index, catalog::Order::kForward,
                                 [&](std::string_view key, std::string_view value) -> Result<bool> {
                                   if (IsToldByMount(index, value)) return true;
                                   snapshot["catalog " + std::string(catalog::kFamilies.at(family).name) +
                                            " " + catalog::ShowKey(index, key)] = value;
                                   return true;
                                 }));
  }
}

}  // namespace

std::map<std::string, std::string> TakeSnapshot(const std::string& path) {
  std::map<std::string, std::string> snapshot;
  for (auto entry = stdfs::recursive_directory_iterator(path); entry != stdfs::recursive_directory_iterator();
       ++entry) {
    if (entry->path().filename() == "catalog") entry.disable_recursion_pending();
    if (entry->path().stem() != "events") snapshot[entry->path()] = Describe(*entry);
  }
  AddEntries(path + "/catalog", snapshot);
  return snapshot;
}

}  // namespace veneer::test
