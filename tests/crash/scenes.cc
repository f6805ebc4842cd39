#include "tests/crash/scenes.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "fs/layer/layer.h"
#include "tests/crash/in_process.h"
#include "tools/pending.h"

namespace veneer::test {
namespace {

namespace stdfs = std::filesystem;

void Run(const std::string& store, const std::vector<std::string>& words) {
  const CommandResult result = RunInProcess(store, words);
  INFO(result.err);
  REQUIRE(result.status == 0);
}

void DamageLayer(const std::string& store) {
  const std::string file = store + "/layers/" + TheSupplies().store.base + ".layer";
  stdfs::permissions(file, stdfs::perms::owner_write, stdfs::perm_options::add);
  std::fstream damaged(file, std::ios::in | std::ios::out | std::ios::binary);
  damaged.seekp(5000);
  damaged.put('\xff');
}

void DamageCatalog(const std::string& store) {
  std::ofstream(store + "/catalog/CURRENT") << "MANIFEST-999999\n";
}

void Upgrade(const std::string& store) {
  Run(store, {"install", TheSupplies().base_2, TheSupplies().lib_2, "--activate"});
}

// What only the catalog then knows: that the owner went back, and that a patch is withdrawn.
void RevertAndForget(const std::string& store) {
  Upgrade(store);
  Run(store, {"install", TheSupplies().withdrawal});
  stdfs::remove_all(store + "/withdrawals");
  Run(store, {"revert", "--all"});
}

// Turns one bit of the root of the hash tree, and one of each block of a file that other layers have too.
void DamageBlocks(const std::string& store) {
  const std::string path = store + "/layers/" + TheSupplies().store.base + ".layer";
  const auto file = io::PosixFile::Open(path);
  REQUIRE_OK(file);
  const auto manifest = layer::ReadUnverifiedManifest(**file);
  REQUIRE_OK(manifest);
  const uint64_t image_size = manifest->manifest.image_size;
  auto bytes = io::ReadWholeFile(path, 64 << 20);
  REQUIRE_OK(bytes);
  int damaged = 0;
  for (uint64_t block = 0; block < image_size; block += kBlockSize) {
    const auto begin = bytes->begin() + static_cast<ptrdiff_t>(block);
    if (!std::all_of(begin, begin + kBlockSize, [](uint8_t byte) { return byte == 't'; })) continue;
    begin[100] ^= 1;
    ++damaged;
  }
  REQUIRE(damaged > 1);
  (*bytes)[image_size + kBlockSize + 5] ^= 1;
  REQUIRE_OK(io::WriteFileAtomically(path, *bytes));
}

// A whole layer that the catalog does not name, a catalog that was replaced, and one on its way from its
// place.
void LeaveCatalogsAndLayer(const std::string& store) {
  const std::string catalog = store + "/catalog";
  stdfs::copy(catalog, catalog + ".old-1", stdfs::copy_options::recursive);
  Run(store, {"install", TheSupplies().lib_b});
  stdfs::rename(catalog, catalog + ".was");
  stdfs::copy(catalog + ".old-1", catalog, stdfs::copy_options::recursive);
}

// As `veneer mount` does, in a process of its own there.
CommandResult TakePending(const std::string& store, const catalog::Medium& medium) {
  CommandResult result{0, {}, {}};
  fuse::MountOptions options;
  options.store = store;
  tools::TakePending(options, medium, [&](const fuse::Happening& happening) {
    if (happening.kind.word != fuse::kPendingRefused.word) return;
    result.err += happening.text;
    result.status = 1;
  });
  return result;
}

}  // namespace

Supplies::Supplies() {
  store.SetPolicy(R"({"schema": 1, "auto": true})");
  lib_b = store.Patch("lib-b", "lib", 2, {"--security-floor", "1"});
  store.Json({"install", store.Patch("lib-a", "lib", 1), "--activate"});
  store.shop.Write("tree/usr/bin/other", "of the second base");
  base_2 = store.Base("2");
  lib_2 = store.PatchWith("lib-2", "lib", 3, {"usr/lib/lib", "", {}, base_2});
  withdrawal = store.Withdraw("lib-a", store.Current().back());
}

const Supplies& TheSupplies() {
  static const Supplies supplies;
  return supplies;
}

Scene RepairScene() {
  return {"scan --repair", {"scan", "--repair"}, [](const std::string& store) {
            Run(store, {"install", TheSupplies().base_2});
            DamageBlocks(store);
          }};
}

std::vector<Scene> Scenes() {
  const Supplies& supplies = TheSupplies();
  const auto nothing = [](const std::string&) {};
  const auto install_b = [&](const std::string& store) { Run(store, {"install", supplies.lib_b}); };
  return {
      {"install", {"install", supplies.lib_b}, nothing},
      {"install of a layer that is damaged", {"install", supplies.store.shop / "base.layer"}, DamageLayer},
      {"install of a withdrawal", {"install", supplies.withdrawal}, nothing},
      {"activate", {"activate"}, install_b},
      {"activate at the next boot", {"activate", "--next-boot"}, install_b},
      {"revert to a generation", {"revert", "--to", "1"}, nothing},
      {"revert to the base, and the ballast comes back",
       {"revert", "--all"},
       [](const std::string& store) { stdfs::remove(store + "/ballast"); }},
      {"base upgrade", {"install", supplies.base_2, supplies.lib_2, "--activate"}, nothing},
      {"gc",
       {"gc", "--keep", "0"},
       [](const std::string& store) {
         Upgrade(store);
         std::ofstream(store + "/layers/left.tmp-123456") << "left";
       }},
      RepairScene(),
      {"repair-catalog", {"repair-catalog"}, Upgrade},
      {"repair-catalog of a damaged one", {"repair-catalog"}, DamageCatalog},
      {"repair-catalog of a missing one",
       {"repair-catalog"},
       [](const std::string& store) { stdfs::remove_all(store + "/catalog"); }},
      {"repair-catalog where names cannot be exchanged", {"repair-catalog"}, RevertAndForget, false},
  };
}

std::vector<Scene> ScenesToCut() {
  std::vector<Scene> scenes = Scenes();
  scenes.push_back(
      {"gc of catalogs that were replaced and a layer that no record names", {"gc"}, LeaveCatalogsAndLayer});
  scenes.push_back({"mount, with a generation that waits for it",
                    {},
                    [](const std::string& store) {
                      Run(store, {"install", TheSupplies().lib_b});
                      Run(store, {"activate", "--next-boot"});
                    },
                    true,
                    TakePending});
  return scenes;
}

std::unique_ptr<io::TemporaryFolder> NewFastFolder() {
  const bool in_memory = stdfs::is_directory("/dev/shm");
  auto folder = io::TemporaryFolder::Create(in_memory ? "/dev/shm" : stdfs::temp_directory_path().string());
  REQUIRE_OK(folder);
  return std::make_unique<io::TemporaryFolder>(std::move(*folder));
}

}  // namespace veneer::test
