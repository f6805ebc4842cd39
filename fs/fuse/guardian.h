// The process that starts the supervisor of a mount, keeps its descriptors, and has another one go on where
// it was killed. See docs/adr/0009-guardian.md.
#pragma once

#include <sys/types.h>

#include <csignal>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "fs/base/error.h"
#include "fs/base/unique_fd.h"
#include "fs/fuse/keeper.h"
#include "fs/fuse/message.h"
#include "fs/fuse/restart_policy.h"
#include "fs/fuse/supervisor.h"

namespace veneer::fuse {

// Its supervisor is a child made by fork without exec: the next one needs no file of a system that nobody
// serves. It does nothing that could wait for the mount, and locks its program (locked_program.h). SIGTERM,
// SIGINT and SIGHUP are blocked while it lives, and go to the supervisor. For one thread, and the process
// must have no other.
class Guardian {
 public:
  // Called in the supervisor: comes to have a mount, and gives `keeper`, which outlives it, what Resume
  // needs. `kept` is what the guardian has.
  using Kept = Supervisor::Kept;
  using Begin = std::function<Result<std::unique_ptr<Supervisor>>(Kept kept, Keeper& keeper)>;

  // `resume` goes on with a mount whose supervisor died. `manager`, if there is one, is given all that the
  // guardian keeps, so that the guardian may die too; it outlives this.
  explicit Guardian(Begin resume, Keeper* manager = nullptr);
  ~Guardian();  // leaves the supervisor alone
  Guardian(const Guardian&) = delete;
  Guardian& operator=(const Guardian&) = delete;

  // Starts the supervisor; returns once it serves, or with its error. `kept`: what there is from before.
  // `past_return` is called where the start can no longer be taken back. A stop that is asked for before ends
  // it, after some seconds by force: kInterrupted. kIo where no process can be had.
  Status Start(const Begin& begin, Kept kept = {}, const std::function<void()>& past_return = {});

  // Guards the supervisor until it has ended as it wished, or there is no mount any more. One that dies is
  // followed by another, at once or after growing waits (restart_policy.h). A stop that is asked for while
  // none serves unmounts, after some seconds also where one is about to.
  void Guard();

  // Waits for the next thing to happen, and sees to it: what Guard does again and again.
  void Step();

  // Takes note of all that the supervisor has said so far.
  void Hear();

  // The supervisor that serves, 0 while none does.
  pid_t supervisor() const { return stage_ == Stage::kServes ? supervisor_ : 0; }
  const Kept& kept() const { return kept_; }

 private:
  enum class Stage { kBegins, kPastReturn, kServes };

  Status Fork(const Begin& begin);
  [[noreturn]] void RunSupervisor(const Begin& begin, UniqueFd line, pid_t guardian) noexcept;
  int Timeout() const;
  void HandleSignals();
  void Note(Message said);
  void Reap();
  void EndByForce();
  void UnmountAlone();

  Begin resume_;
  Keeper* manager_;
  std::function<void()> past_return_;
  Kept kept_;
  UniqueFd signals_;  // signalfd
  sigset_t before_;   // the signals that were blocked before

  pid_t supervisor_ = 0;  // 0: there is none
  UniqueFd process_;      // it, as a descriptor
  UniqueFd line_;         // on which it says what to keep, and what no more
  Stage stage_ = Stage::kBegins;
  bool started_ = false;        // one has been past the return
  bool stop_ = false;           // a stop was asked for that no supervisor has seen to
  bool over_ = false;           // there is nothing left to guard
  std::optional<Error> error_;  // with which the last one ended
  RestartPolicy restarts_;
  int64_t began_ = 0;         // steady milliseconds
  int64_t serves_since_ = 0;  // likewise
  int64_t next_start_ = 0;    // likewise
  int64_t stop_by_ = 0;  // likewise, when one that does not serve yet has to heed a stop; 0: none was asked
};

}  // namespace veneer::fuse
