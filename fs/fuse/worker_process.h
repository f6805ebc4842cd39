// A worker as its supervisor sees it.
#pragma once

#include <sys/types.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>

#include "fs/base/error.h"
#include "fs/base/unique_fd.h"
#include "fs/fuse/control_channel.h"
#include "fs/fuse/worker.h"

namespace veneer::fuse {

// For one thread.
class WorkerProcess {
 public:
  // Forks. The process must have one thread only. kIo.
  static Result<WorkerProcess> Start(SharedState& shared, const WorkerSetup& setup);

  WorkerProcess(WorkerProcess&& other) noexcept;
  WorkerProcess& operator=(WorkerProcess&&) = delete;
  ~WorkerProcess();  // kills it

  // See ControlChannel::Ask.
  Result<nlohmann::json> Ask(const nlohmann::json& request, std::span<const int> descriptors = {}) {
    return channel_.Ask(request, descriptors);
  }
  bool gone() const { return channel_.gone(); }

  pid_t pid() const { return pid_; }
  int control() const { return channel_.socket(); }  // closes when it dies
  int report() const { return report_.get(); }       // damage that it met, as messages

  // Kills it if it still runs, and waits. Nothing if it ended by itself because the file system was
  // unmounted; otherwise what ended it, in words.
  std::optional<std::string> End();

 private:
  WorkerProcess(pid_t pid, ControlChannel channel, UniqueFd report)
      : pid_(pid), channel_(std::move(channel)), report_(std::move(report)) {}

  pid_t pid_;  // -1: ended
  ControlChannel channel_;
  UniqueFd report_;
};

}  // namespace veneer::fuse
