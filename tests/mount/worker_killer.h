// Worker after worker killed under those who use a mount.
#pragma once

#include <signal.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "tests/mount/switch_crowd.h"
#include "tests/mount/switch_rig.h"

namespace veneer::test {

// Kills the first mount's worker again and again until it goes, each `pause` after the last, and when each
// member of the crowd there has come through. A pause of more than half a second lets no worker pass for one
// that dies at once.
class WorkerKiller {
 public:
  WorkerKiller(const SwitchRig& rig, const Crowd& crowd, std::chrono::milliseconds pause)
      : thread_([this, &rig, &crowd, pause] { Run(rig, crowd, pause); }) {}
  ~WorkerKiller() { Stop(); }
  WorkerKiller(const WorkerKiller&) = delete;
  WorkerKiller& operator=(const WorkerKiller&) = delete;

  // Returns when the last kill is done.
  void Stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  int kills() const { return kills_; }

 private:
  void Run(const SwitchRig& rig, const Crowd& crowd, std::chrono::milliseconds pause) {
    while (!stop_) {
      const auto begin = std::chrono::steady_clock::now();
      while (!stop_ && std::chrono::steady_clock::now() - begin < pause) crowd.WaitForAll();
      const pid_t worker = rig.WorkerOf(0);
      if (worker > 0 && ::kill(worker, SIGKILL) == 0) ++kills_;
    }
  }

  std::atomic<bool> stop_{false};
  std::atomic<int> kills_{0};
  std::thread thread_;  // last: uses the others
};

}  // namespace veneer::test
