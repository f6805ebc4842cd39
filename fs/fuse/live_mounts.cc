#include "fs/fuse/live_mounts.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <set>
#include <system_error>

#include "fs/fuse/mount_table.h"

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

// Whether this user may not do what `mode` says with `path`.
bool IsForbidden(const std::string& path, int mode) {
  return ::faccessat(AT_FDCWD, path.c_str(), mode, AT_EACCESS) != 0 && errno == EACCES;
}

std::string NameOf(const std::string& socket) {
  return fmt::format("process {}, the server of a mount", std::filesystem::path(socket).stem().string());
}

// Takes those out of `sockets` that this user may not use.
std::vector<Error> TakeForbidden(Sockets& sockets) {
  std::vector<Error> forbidden;
  std::erase_if(sockets, [&](const std::string& socket) {
    if (!IsForbidden(socket, W_OK)) return false;
    forbidden.emplace_back(ErrorCode::kIo, NameOf(socket) + ": only root may ask what it shows");
    return true;
  });
  return forbidden;
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
Result<FoundMounts> MeetAll(Sockets sockets, Deadline deadline, bool& gone) {
  FoundMounts found;
  found.unasked = TakeForbidden(sockets);
  std::vector<Result<ControlChannel>> asked;
  for (const std::string& socket : sockets) asked.push_back(AskForStatus(socket));
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
      found.silent.push_back(mount.error().Within(NameOf(socket)));
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
  const std::string folder = ControlFolder(identity);
  if (IsForbidden(folder, R_OK | X_OK)) {
    FoundMounts none;
    none.unasked.emplace_back(ErrorCode::kIo, folder + ": only root may look there for servers of mounts");
    return none;
  }
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

std::vector<std::string> LiveMount::layers() const {
  std::vector<std::string> ids;
  for (const auto& layer : status.value("layers", nlohmann::json::array())) ids.push_back(layer.at("layer"));
  return ids;
}

Result<std::vector<LiveMount>> FindLiveMounts(const std::string& identity) {
  VENEER_ASSIGN(FoundMounts found, FindMounts(identity, ControlChannel::kPatience));
  VENEER_TRY(found.AllAnswer());
  if (!found.unasked.empty()) return tl::unexpected<Error>(found.unasked.front());
  return std::move(found.live);
}

Result<std::vector<std::string>> FindUnserved(const std::string& store, const std::vector<LiveMount>& live) {
  std::set<dev_t> seen;
  for (const LiveMount& mount : live) seen.insert(mount.device());
  VENEER_ASSIGN(const auto mounts, ReadMountsOf(store));
  std::vector<std::string> unserved;
  for (const MountEntry& mount : mounts) {
    if (seen.insert(mount.device).second) unserved.push_back(mount.target);
  }
  return unserved;
}

Result<std::vector<std::string>> FindUnserved(const std::string& store, const FoundMounts& found) {
  if (!found.silent.empty() || !found.unasked.empty()) return std::vector<std::string>();
  return FindUnserved(store, found.live);
}

}  // namespace veneer::fuse
