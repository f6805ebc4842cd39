// A store with a base and two patches over it, one for each tree of switch_trees.h, on mounts of the real
// program.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "fs/catalog/store.h"
#include "fs/fuse/activation.h"
#include "tests/mount/switch_trees.h"
#include "tests/tools/program.h"

namespace veneer::test {

class SwitchRig {
 public:
  // Seals the folders ROOT/t0, t1 and t2 that `make_trees` makes as a base, patch "p" and patch "q" on it;
  // the base is current. Mounts it at mount(0) to mount(mounts - 1).
  explicit SwitchRig(int mounts, void (*make_trees)(const std::string& root) = MakeSwitchTrees);
  ~SwitchRig();
  SwitchRig(const SwitchRig&) = delete;
  SwitchRig& operator=(const SwitchRig&) = delete;

  std::string mount(int i) const { return shop_ / ("mnt" + std::to_string(i)); }
  std::string store() const { return shop_ / "store"; }
  std::string root() const { return shop_.path(); }
  std::string LayerFile(int tree) const { return shop_ / ("l" + std::to_string(tree) + ".layer"); }

  // The program, with --store: it must succeed.
  void Run(std::vector<std::string> words) const;
  nlohmann::json Json(std::vector<std::string> words, int status = 0) const;
  CommandResult Try(std::vector<std::string> words) const;

  // Makes `tree` current by the program.
  nlohmann::json SwitchByProgram(int tree) const;

  // The tree of the generation on record, and those that the mounts say they show, by folder.
  int TreeOnRecord() const;
  std::map<std::string, uint64_t> Generations() const;
  pid_t GuardianOf(int mount) const;
  pid_t ServerOf(int mount) const;  // its supervisor
  pid_t WorkerOf(int mount) const;  // 0 while it has none

  // Kills the worker of mount(0); returns once another serves.
  void KillWorker() const;

  // Kills the guardian of mount(number), and the supervisor: nobody goes on with it.
  void KillServer(int number) const;

  // What `veneer status` has on mount(number).
  nlohmann::json Status(int number) const;

  // Likewise, and null where there is none: for threads, on which nothing may be required.
  nlohmann::json TryStatus(int number) const;

  // The one mount of the store.
  fuse::LiveMount OnlyMount() const;

  // What the layers of `tree` are, base first.
  std::vector<std::string> StackOf(int tree) const;

 private:
  std::vector<std::string> OnStore(std::vector<std::string> words) const;

  Workshop shop_;
  int mounts_;
  std::vector<std::string> ids_;  // of layers, by tree
};

// The library's way to switch, many times a second: holds the catalog open for writing.
class Switcher {
 public:
  explicit Switcher(const SwitchRig& rig);
  fuse::SwitchReport SwitchTo(int tree);

 private:
  const SwitchRig& rig_;
  std::unique_ptr<catalog::Store> store_;
  std::unique_ptr<catalog::Catalog> catalog_;
};

}  // namespace veneer::test
