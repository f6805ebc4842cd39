// How long work says how far it is.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>

namespace veneer::layer {

// Says what is going on and how far it is: a stage ("reading", "writing image", "hashing", "checking",
// "signing") with bytes done and bytes in all (0: not known). May be empty. Called from any thread, but never
// twice at once.
using Progress = std::function<void(const char* stage, uint64_t done, uint64_t total)>;

// Adds up one stage's bytes from several threads.
class StageProgress {
 public:
  // `progress` must outlive this.
  StageProgress(const Progress& progress, const char* stage, uint64_t total)
      : progress_(progress), stage_(stage), total_(total) {
    Add(0);
  }

  void Add(uint64_t bytes) {
    if (!progress_) return;
    const std::lock_guard lock(mutex_);
    done_ += bytes;
    progress_(stage_, done_, total_);
  }

 private:
  const Progress& progress_;
  const char* stage_;
  uint64_t total_;
  std::mutex mutex_;
  uint64_t done_ = 0;
};

}  // namespace veneer::layer
