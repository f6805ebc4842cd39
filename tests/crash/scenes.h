// The commands that change a store, each with a store that it has something to do in.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "fs/catalog/medium.h"
#include "tests/tools/policy_store.h"

namespace veneer::test {

// Layer files, and a store with the first of them installed, made by the program once for all scenes.
struct Supplies {
  Supplies();
  PolicyStore store;  // base and lib (a) are current; in the policy, withdrawn patches are reverted
  std::string lib_b, base_2, lib_2, withdrawal;  // files
};
const Supplies& TheSupplies();

struct Scene {
  const char* name;
  std::vector<std::string> command;  // empty where there is none that ends by itself
  // Brings the store, a copy of that of the supplies, to where the command has something to do.
  std::function<void(const std::string& store)> prepare;
  // Whether its disk can exchange two names. Otherwise a cut may leave a store that has to be mended first.
  bool exchanges = true;
  // What happens in place of the command; `medium` as for RunInProcess.
  std::function<CommandResult(const std::string& store, const catalog::Medium& medium)> run = {};
};

std::vector<Scene> Scenes();

// Those, a gc that makes room before it needs any, and what a mount does to a store before it serves.
std::vector<Scene> ScenesToCut();

// The one of them that mends a layer in place.
Scene RepairScene();

// A folder in memory, for stores of which there are to be hundreds.
std::unique_ptr<io::TemporaryFolder> NewFastFolder();

}  // namespace veneer::test
