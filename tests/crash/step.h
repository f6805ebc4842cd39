// What a command does to a store, step by step, as a test records it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "fs/base/bytes.h"

namespace veneer::test {

struct Step {
  enum class Kind {
    kCreate,
    kWrite,
    kTruncate,
    kSync,
    kMakeFolder,
    kRename,
    kExchange,
    kRemove,
    kSyncFolder
  };

  Kind kind;
  std::string path;   // below the store; "." is the store itself
  std::string other;  // the new name of kRename, the other one of kExchange
  uint64_t offset;    // of kWrite; the new size of kTruncate
  Bytes bytes;        // of kWrite
};

// Records the steps that are taken below a folder, and refuses those that it is told to. Safe from several
// threads: the order of the record is the order in which the steps were taken.
class StepLog {
 public:
  // Says for the step with this number, from 0 on, whether it fails.
  using Refuses = std::function<bool(size_t number)>;

  explicit StepLog(std::string root, Refuses refuses = {})
      : root_(std::move(root)), refuses_(std::move(refuses)) {}

  // Takes a step: calls `act`, and records what `describe` then makes of it where that went well. `refused`
  // is the answer to one that is to fail.
  template <typename Act, typename Describe, typename Answer>
  auto Take(const Act& act, const Describe& describe, Answer refused) -> decltype(act()) {
    const std::lock_guard lock(mutex_);
    if (refuses_ && refuses_(taken_++)) return refused;
    auto done = act();
    if (Succeeded(done)) steps_.push_back(describe());
    return done;
  }

  // `path` as steps name it.
  std::string Below(const std::string& path) const {
    const auto relative = std::filesystem::path(path).lexically_normal().lexically_relative(root_);
    return relative.filename().empty() ? relative.parent_path().string() : relative.string();
  }

  // For when nobody takes steps any more.
  const std::vector<Step>& steps() const { return steps_; }
  size_t taken() const { return taken_; }

 private:
  template <typename Done>
  static bool Succeeded(const Done& done) {
    if constexpr (requires { done.ok(); }) {
      return done.ok();
    } else {
      return done.has_value();
    }
  }

  std::string root_;
  Refuses refuses_;
  std::mutex mutex_;
  std::vector<Step> steps_;
  size_t taken_ = 0;
};

}  // namespace veneer::test
