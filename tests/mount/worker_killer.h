// Worker after worker, or supervisor after supervisor, killed under those who use a mount.
#pragma once

#include <signal.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "tests/mount/switch_crowd.h"
#include "tests/mount/switch_rig.h"
#include "tests/support/until.h"

namespace veneer::test {

// Kills the first mount's worker again and again until it goes, each `pause` after the last, and when each
// member of the crowd there has come through. A pause of more than half a second lets no worker pass for one
// that dies at once. `victim`: the key of the process in `veneer status`.
class WorkerKiller {
 public:
  WorkerKiller(const SwitchRig& rig, const Crowd& crowd, std::chrono::milliseconds pause,
               const char* victim = "worker_pid")
      : victim_(victim), thread_([this, &rig, &crowd, pause] { Run(rig, crowd, pause); }) {}
  ~WorkerKiller() { Stop(); }
  WorkerKiller(const WorkerKiller&) = delete;
  WorkerKiller& operator=(const WorkerKiller&) = delete;

  // Returns when the last kill is done.
  void Stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  int kills() const { return kills_; }
  // Why it kills no more; nullptr for nothing. At any time.
  const char* failure() const { return failure_; }

 private:
  void Run(const SwitchRig& rig, const Crowd& crowd, std::chrono::milliseconds pause) {
    for (pid_t last = 0;;) {
      const auto begin = std::chrono::steady_clock::now();
      while (!stop_ && std::chrono::steady_clock::now() - begin < pause) {
        if (!crowd.ComesThrough()) return Fail("one who uses the mount is held up");
      }
      if (stop_) return;
      last = Await([&] {
        const auto status = rig.TryStatus(0);
        const pid_t now = status.is_null() ? 0 : status.at(victim_).get<pid_t>();
        return now == last ? 0 : now;  // each is killed once
      });
      if (last == 0) return Fail("no other worker came");
      if (::kill(last, SIGKILL) == 0) ++kills_;
    }
  }
  void Fail(const char* why) { failure_ = why; }

  const char* victim_;
  std::atomic<bool> stop_{false};
  std::atomic<int> kills_{0};
  std::atomic<const char*> failure_{nullptr};
  std::thread thread_;  // last: uses the others
};

}  // namespace veneer::test
