#include "fs/fuse/live_mounts.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>

namespace veneer::fuse {
namespace {

using Deadline = std::chrono::steady_clock::time_point;
using Sockets = std::set<std::string>;  // in an order that does not change

std::chrono::milliseconds Left(Deadline deadline) {
  const auto left = deadline - std::chrono::steady_clock::now();
  return std::max(std::chrono::milliseconds(0), std::chrono::ceil<std::chrono::milliseconds>(left));
}

Result<Sockets> ControlSockets(const std::string& identity) {
  Sockets sockets;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(ControlFolder(identity), error)) {
    if (entry.path().extension() == ".sock") sockets.insert(entry.path());
  }
  if (error && error != std::errc::no_such_file_or_directory)
    return FailErrno(error.value(), ControlFolder(identity));
  return sockets;
}

Result<ControlChannel> AskForStatus(const std::string& socket) {
  VENEER_ASSIGN(ControlChannel channel, ControlChannel::Connect(socket));
  VENEER_TRY(channel.Send({{"request", "status"}}));
  return channel;
}

Result<LiveMount> Meet(Result<ControlChannel> asked, Deadline deadline) {
  VENEER_ASSIGN(ControlChannel channel, std::move(asked));
  VENEER_ASSIGN(Message status, channel.ReceiveAnswer(Left(deadline)));
  return LiveMount{std::move(channel), std::move(status.json)};
}

// All are asked before the first is waited for. `gone` tells whether one has left its socket behind.
Result<FoundMounts> MeetAll(const Sockets& sockets, Deadline deadline, bool& gone) {
  std::vector<Result<ControlChannel>> asked;
  for (const std::string& socket : sockets) asked.push_back(AskForStatus(socket));
  FoundMounts found;
  gone = false;
  auto next = asked.begin();
  for (const std::string& socket : sockets) {
    auto mount = Meet(std::move(*next++), deadline);
    if (mount) {
      found.live.push_back(std::move(*mount));
    } else if (mount.error().code() == ErrorCode::kInterrupted) {
      return tl::unexpected<Error>(std::move(mount).error());
    } else if (mount.error().code() == ErrorCode::kNotFound) {
      gone = true;
    } else {
      const std::string process = std::filesystem::path(socket).stem();
      found.silent.push_back(mount.error().Within(fmt::format("process {}, the server of a mount", process)));
    }
  }
  return found;
}

// What is said of a pair of which nobody knows who has the mount.
Error Both(const LiveMount& one, const LiveMount& other) {
  return Error(ErrorCode::kIo,
               fmt::format("processes {} and {}, servers of a mount: both say that it is theirs",
                           one.status.value("supervisor_pid", 0), other.status.value("supervisor_pid", 0)));
}

// A server that takes a mount over answers once it has it. The former one may have answered before that, and
// is about to end.
Status DropFormer(FoundMounts& found, Deadline deadline) {
  std::vector<LiveMount>& mounts = found.live;
  for (size_t i = 0; i < mounts.size();) {
    const auto one = mounts.begin() + static_cast<ptrdiff_t>(i);
    const auto same = std::find_if(one + 1, mounts.end(), [&](const LiveMount& other) {
      return other.device() != 0 && other.device() == one->device();
    });
    if (same == mounts.end()) {
      ++i;
      continue;
    }
    pollfd lines[] = {{one->channel.socket(), 0, 0}, {same->channel.socket(), 0, 0}};
    VENEER_ASSIGN(const bool ended, WaitFor(lines, Left(deadline)));
    if (!ended) {
      found.silent.push_back(Both(*one, *same));
      mounts.erase(same);
    }
    mounts.erase(ended && lines[1].revents != 0 ? same : one);
  }
  return {};
}

}  // namespace

Status FoundMounts::AllAnswer() const {
  return silent.empty() ? Status() : tl::unexpected<Error>(silent.front());
}

// One that is gone may have been followed by one whose socket came after the look.
Result<FoundMounts> FindMounts(const std::string& identity, std::chrono::milliseconds patience) {
  const Deadline deadline = std::chrono::steady_clock::now() + patience;
  VENEER_ASSIGN(Sockets sockets, ControlSockets(identity));
  for (;;) {
    bool gone = false;
    VENEER_ASSIGN(FoundMounts found, MeetAll(sockets, deadline, gone));
    VENEER_ASSIGN(Sockets now, ControlSockets(identity));
    if (gone && !std::includes(sockets.begin(), sockets.end(), now.begin(), now.end())) {
      sockets = std::move(now);
      continue;
    }
    VENEER_TRY(DropFormer(found, deadline));
    return found;
  }
}

Result<std::vector<LiveMount>> FindLiveMounts(const std::string& identity) {
  VENEER_ASSIGN(FoundMounts found, FindMounts(identity, ControlChannel::kPatience));
  VENEER_TRY(found.AllAnswer());
  return std::move(found.live);
}

}  // namespace veneer::fuse
