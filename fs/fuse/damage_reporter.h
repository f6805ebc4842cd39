// Telling of requests that failed, away from the threads that serve.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "fs/base/error.h"
#include "fs/core/node_id.h"

namespace veneer::fuse {

// Calls `tell` once for each different failure, on a thread of its own, since finding a node's path walks its
// image. After a thousand it is silent: a broken disk must not fill another. Safe from several threads.
class DamageReporter {
 public:
  using Tell = std::function<void(core::NodeId node, const Error& error)>;

  explicit DamageReporter(Tell tell);
  ~DamageReporter();
  DamageReporter(const DamageReporter&) = delete;
  DamageReporter& operator=(const DamageReporter&) = delete;

  void Report(core::NodeId node, const Error& error);

  // Tells what is still to be told, and nothing after that.
  void Finish();

 private:
  struct Failure {
    core::NodeId node = 0;
    Error error;
  };
  void Run();

  Tell tell_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stop_ = false;             // guarded by mutex_
  std::deque<Failure> failures_;  // guarded by mutex_
  std::set<std::string> known_;   // guarded by mutex_; messages that were reported
  std::thread thread_;
};

}  // namespace veneer::fuse
