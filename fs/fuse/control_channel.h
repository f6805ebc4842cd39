// Talking to a mount's server: JSON messages over a Unix socket.
//
// The sockets of a store's mounts are /run/veneer/IDENTITY/PID.sock, mode 0600, for the store's
// Store::identity().
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "fs/base/error.h"
#include "fs/base/unique_fd.h"
#include "fs/fuse/message.h"

namespace veneer::fuse {

// The folder for the sockets of the store with `identity`.
std::string ControlFolder(const std::string& identity);

// One end of a connection. A request that fails is an error of the code that the other end had.
class ControlChannel {
 public:
  // An end that is connected already.
  explicit ControlChannel(UniqueFd socket) : socket_(std::move(socket)) {}

  // kNotFound if nobody listens there (a socket that its server left behind is removed); kIo.
  static Result<ControlChannel> Connect(const std::string& path);

  // Sends a request, with `descriptors` beside it, and waits for its answer. kNotFound if the other end is
  // gone, kIo if it is silent for two minutes.
  Result<nlohmann::json> Ask(const nlohmann::json& request, std::span<const int> descriptors = {});

  // Likewise, with the descriptors that come with the answer.
  Result<Message> AskForMessage(const nlohmann::json& request, std::span<const int> descriptors = {});

  // The two halves of AskForMessage, for who has something to do in between.
  Status Send(const nlohmann::json& request, std::span<const int> descriptors = {});
  Result<Message> ReceiveAnswer();

  // Whether the other end was found gone by Ask.
  bool gone() const { return gone_; }

  int socket() const { return socket_.get(); }

 private:
  UniqueFd socket_;
  bool gone_ = false;
};

}  // namespace veneer::fuse
