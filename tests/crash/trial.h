// A command of a scene, recorded; and stores that something happened to, put to the test.
#pragma once

#include <string>
#include <vector>

#include "tests/crash/disk_model.h"
#include "tests/crash/scenes.h"
#include "tests/crash/store_state.h"

namespace veneer::test {

class Trial {
 public:
  // Prepares the scene's store and runs its command once, undisturbed.
  explicit Trial(const Scene& scene);

  // The store before the command, and what the command did to it, step by step.
  const Tree& tree() const { return tree_; }
  const std::vector<Step>& steps() const { return steps_; }

  // Runs the command on a store like it, of which the steps that `refuses` picks fail.
  CommandResult RunRefusing(const StepLog::Refuses& refuses);

  // The words that run the real program's command on the store.
  std::vector<std::string> ProgramCommand() const;

  Tree Present() const { return ReadTree(store_); }

  // Runs the command on the store as it is now, and requires that it completes. What that took, step by step.
  std::vector<Step> Complete();

  // Puts `tree` in the store's place.
  void Place(const Tree& tree) { WriteTree(tree, store_); }

  // Requires that the store is what it was before the command. One that did not open then may open now.
  void RequireUnchanged() const;

  // Requires that the store opens, is what it was before the command or after it, and is whole; that the
  // command then completes; and that gc leaves nothing behind.
  void RequireRecovers();

 private:
  CommandResult Run(const catalog::Medium& medium = {}) const;
  CommandResult RunRecorded(StepLog& log) const;
  StoreState RequireState();

  const Scene& scene_;
  std::unique_ptr<io::TemporaryFolder> folder_ = NewFastFolder();
  std::string store_ = folder_->path() + "/store";
  Tree tree_;
  std::vector<Step> steps_;
  std::optional<StoreState> before_;  // none where the command finds a store that does not open
  StoreState after_;
};

}  // namespace veneer::test
