// Talking to a mount's server: JSON messages over a Unix socket.
//
// The sockets of a store's mounts are /run/veneer/IDENTITY/PID.sock, mode 0600, for the store's
// Store::identity().
#pragma once

#include <poll.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "fs/base/error.h"
#include "fs/base/unique_fd.h"
#include "fs/fuse/message.h"

namespace veneer::fuse {

// The folder for the sockets of the store with `identity`.
std::string ControlFolder(const std::string& identity);

// Removes the socket `path`, and its folder if that is then empty.
void RemoveControlSocket(const std::string& path);

// Waits until poll(2) has something for one of `lines`; false where it has nothing for `patience`.
// kInterrupted.
Result<bool> WaitFor(std::span<pollfd> lines, std::chrono::milliseconds patience);

// One end of a connection. A request that fails is an error of the code that the other end had. Whatever
// waits for the other end ends with kInterrupted if a stop is asked for (fs/base/cancel.h); an answer that
// comes later finds nobody, so that the channel is of no use any more.
class ControlChannel {
 public:
  // How long the other end may be silent.
  static constexpr std::chrono::milliseconds kPatience{120'000};

  // An end that is connected already.
  explicit ControlChannel(UniqueFd socket) : socket_(std::move(socket)) {}

  // kNotFound if nobody listens there (a socket that its server left behind is removed); kIo, also where so
  // many wait to be heard that there is no room for another.
  static Result<ControlChannel> Connect(const std::string& path);

  // Sends a request, with `descriptors` beside it, and waits for its answer. kNotFound if the other end is
  // gone, kIo if it is silent for `kPatience`.
  Result<nlohmann::json> Ask(const nlohmann::json& request, std::span<const int> descriptors = {});

  // Likewise, with the descriptors that come with the answer.
  Result<Message> AskForMessage(const nlohmann::json& request, std::span<const int> descriptors = {});

  // The two halves of AskForMessage, for who has something to do in between.
  Status Send(const nlohmann::json& request, std::span<const int> descriptors = {});
  Result<Message> ReceiveAnswer(std::chrono::milliseconds patience = kPatience);

  // Whether the other end was found gone by Ask.
  bool gone() const { return gone_; }

  int socket() const { return socket_.get(); }

 private:
  UniqueFd socket_;
  bool gone_ = false;
};

}  // namespace veneer::fuse
