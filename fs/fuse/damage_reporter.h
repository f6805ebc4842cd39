// Telling of requests that failed, away from the threads that serve.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "fs/base/error.h"
#include "fs/core/node_id.h"

namespace veneer::fuse {

// Calls `tell` once for each different failure, on a thread of its own, since finding a node's path walks its
// image. A broken disk must not fill another: of each layer, which is that of the node, so many are told, the
// last of which says that it is the last, and whatever else fails there is counted, each time. Safe from
// several threads.
class DamageReporter {
 public:
  using Tell = std::function<void(core::NodeId node, const Error& error)>;
  static constexpr size_t kMostOfLayer = 1000;

  // `untold` counts what is not told, and outlives this.
  DamageReporter(Tell tell, std::atomic<uint64_t>& untold);
  ~DamageReporter();
  DamageReporter(const DamageReporter&) = delete;
  DamageReporter& operator=(const DamageReporter&) = delete;

  void Report(core::NodeId node, const Error& error);

  // Forgets what was told of the layer with `slot`: from now on it is told again.
  void Forget(uint16_t slot);

  // Tells what is still to be told, and nothing after that.
  void Finish();

 private:
  struct Failure {
    core::NodeId node = 0;
    Error error;
  };
  void Run();

  Tell tell_;
  std::atomic<uint64_t>& untold_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stop_ = false;                                // guarded by mutex_
  std::deque<Failure> failures_;                     // guarded by mutex_
  std::map<uint16_t, std::set<std::string>> known_;  // guarded by mutex_; messages reported, by slot
  std::thread thread_;
};

}  // namespace veneer::fuse
