// A worker as its supervisor sees it.
#pragma once

#include <sys/types.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "fs/base/error.h"
#include "fs/base/unique_fd.h"
#include "fs/fuse/control_channel.h"
#include "fs/fuse/worker.h"

namespace veneer::fuse {

// Names a process for good: another one with its number began at another time.
struct ProcessId {
  pid_t pid = 0;         // 0: none
  uint64_t started = 0;  // as /proc/PID/stat has it
};

// Whether all threads of the process that are left have been killed and wait for the kernel. False where that
// cannot be found out.
bool IsStuck(pid_t pid);

// A process that is there, by its number. kIo.
Result<ProcessId> IdOf(pid_t pid);

// Kills a supervisor, or the worker of one that has died, if it is still there, and waits as
// WorkerProcess::End does. Waits as well where it cannot be found out whether it is there, for want of
// descriptors or memory.
void EndStranger(const ProcessId& stranger);

// For one thread.
class WorkerProcess {
 public:
  // Asked again and again while an answer is waited for: whether to go on waiting.
  using MayWait = std::function<bool()>;

  // Forks. The process must have one thread only. kIo.
  static Result<WorkerProcess> Start(SharedState& shared, const WorkerSetup& setup, MayWait may_wait);

  WorkerProcess(WorkerProcess&& other) noexcept;
  WorkerProcess& operator=(WorkerProcess&&) = delete;
  ~WorkerProcess();  // kills it

  // See ControlChannel::Ask; but it need not be trusted: whatever it answers is an error of its own, or an
  // object. It is gone also where it was killed and cannot end (see End), makes no sense, is silent for too
  // long (kIo), or `may_wait` said no (kInterrupted).
  Result<nlohmann::json> Ask(const nlohmann::json& request, std::span<const int> descriptors = {});
  bool gone() const { return lost_ || channel_.gone(); }
  // Whether it was found silent by Ask.
  bool silent() const { return silent_; }

  // One of its lines has closed: End gives it a moment to end by itself.
  void ExpectEnd() { ending_ = true; }

  pid_t pid() const { return pid_; }
  int control() const { return channel_.socket(); }  // closes when it dies
  int report() const { return report_.get(); }       // damage that it met, as messages

  struct Ending {
    std::string cause;    // in words
    pid_t unreaped = -1;  // the process, where it is still to end
  };

  // Kills it if it still runs, and waits until it has ended or will do nothing any more but end. The latter
  // is one that was killed while it told the kernel to forget an entry: that waits, and cannot be
  // interrupted, for a look-up in the folder, which may be one that the worker itself had read and will never
  // answer. It ends when its successor has.
  Ending End();

 private:
  WorkerProcess(pid_t pid, ControlChannel channel, UniqueFd report, MayWait may_wait)
      : pid_(pid), channel_(std::move(channel)), report_(std::move(report)), may_wait_(std::move(may_wait)) {}

  pid_t pid_;            // -1: ended
  bool lost_ = false;    // there is nothing more to be had from it, though its socket is open
  bool silent_ = false;  // likewise, since it did not answer
  bool ending_ = false;  // it has closed its socket
  ControlChannel channel_;
  UniqueFd report_;
  MayWait may_wait_;
};

}  // namespace veneer::fuse
