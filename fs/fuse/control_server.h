// The end of a control socket that answers. See control_channel.h for the other one.
#pragma once

#include <poll.h>

#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "fs/base/error.h"
#include "fs/base/unique_fd.h"

namespace veneer::fuse {

// Whether `fd` is among the descriptors that poll(2) found something for.
bool IsReady(std::span<const pollfd> polled, int fd);

// Answers requests, one at a time, in the loop of whoever owns it. Clients get no more than a quarter of the
// descriptors that the process may have open, nor more than 256: the rest is for what it serves. Others wait
// in the queue until one goes. For one thread.
class ControlServer {
 public:
  // Numbers clients, so that what one began can be ended when it goes.
  using ClientId = uint64_t;
  struct Answer {
    Answer() = default;
    Answer(nlohmann::json object) : json(std::move(object)) {}  // NOLINT: most answers are just that
    nlohmann::json json;
    std::vector<int> descriptors;  // that go with it, borrowed
  };
  struct Handlers {
    std::function<Result<Answer>(ClientId, const nlohmann::json& request)> answer;
    std::function<void(ClientId)> gone;
  };

  // Listens at `path`; connections wait for Handle. kNotFound if the folder is not there; kIo.
  static Result<std::unique_ptr<ControlServer>> Listen(const std::string& path);
  // Listens at FOLDER/NAME, with the folder made if need be. kIo.
  static Result<std::unique_ptr<ControlServer>> ListenInFolder(const std::string& folder,
                                                               const std::string& name);
  ~ControlServer();  // removes the socket, and its folder if that is then empty
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

  void SetHandlers(Handlers handlers) { handlers_ = std::move(handlers); }

  // The most clients at once.
  size_t most_clients() const { return most_clients_; }

  // Adds what to poll for.
  void Watch(std::vector<pollfd>& watched) const;

  // Meets clients and answers requests as far as `polled` has some for this server.
  void Handle(std::span<const pollfd> polled);

 private:
  ControlServer(std::string path, UniqueFd listener, UniqueFd pause);
  bool Serve(ClientId client, int socket);
  bool ServeSafely(ClientId client, int socket);
  template <typename IsOver>
  size_t DropThose(const IsOver& is_over);
  void Accept();
  void Pause(bool begins);

  std::string path_;
  UniqueFd listener_;
  UniqueFd pause_;        // a timer: when to listen again
  bool pausing_ = false;  // a client could not be let in
  size_t most_clients_;
  Handlers handlers_;
  std::map<ClientId, UniqueFd> clients_;
  ClientId next_client_ = 1;
};

}  // namespace veneer::fuse
