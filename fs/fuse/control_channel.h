// Talking to a mount's server: JSON messages over a Unix socket that keeps their bounds (SOCK_SEQPACKET).
//
// The sockets of a store's mounts are /run/veneer/IDENTITY/PID.sock, mode 0600, for the store's
// Store::identity().
#pragma once

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "fs/base/error.h"
#include "fs/base/unique_fd.h"

namespace veneer::fuse {

// The folder for the sockets of the store with `identity`.
std::string ControlFolder(const std::string& identity);

// One end of a connection. A request that fails is an error of the code that the other end had.
class ControlChannel {
 public:
  // kNotFound if nobody listens there (a socket that its server left behind is removed); kIo.
  static Result<ControlChannel> Connect(const std::string& path);

  // Sends a request and waits for its answer. kNotFound if the other end is gone, kIo if it is silent for two
  // minutes.
  Result<nlohmann::json> Ask(const nlohmann::json& request);

  // Whether the other end was found gone by Ask.
  bool gone() const { return gone_; }

 private:
  explicit ControlChannel(UniqueFd socket) : socket_(std::move(socket)) {}

  UniqueFd socket_;
  bool gone_ = false;
};

// Answers requests, one at a time, on a thread of its own.
class ControlServer {
 public:
  // Numbers clients, so that what one began can be ended when it goes.
  using ClientId = uint64_t;
  struct Handlers {
    std::function<Result<nlohmann::json>(ClientId, const nlohmann::json& request)> answer;
    std::function<void(ClientId)> gone;
  };

  // Listens at `path`; connections wait until Start. kIo.
  static Result<std::unique_ptr<ControlServer>> Listen(const std::string& path);
  ~ControlServer();  // stops, and removes the socket
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

  void Start(Handlers handlers);

 private:
  ControlServer(std::string path, UniqueFd listener, UniqueFd stop)
      : path_(std::move(path)), listener_(std::move(listener)), stop_(std::move(stop)) {}
  void Run();
  bool Serve(ClientId client, int socket);
  void Accept();

  std::string path_;
  UniqueFd listener_;
  UniqueFd stop_;  // eventfd
  Handlers handlers_;
  std::map<ClientId, UniqueFd> clients_;  // the thread's own
  ClientId next_client_ = 1;
  std::thread thread_;
};

}  // namespace veneer::fuse
