// A control socket that is answered by a thread, as a stand-in for a mount.
#pragma once

#include <sys/eventfd.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "fs/fuse/control_server.h"
#include "tests/support/catch.h"

namespace veneer::test {

class ControlThread {
 public:
  using Answer = std::function<Result<nlohmann::json>(const nlohmann::json& request)>;

  // Answers at `path` until it goes. `answer` is called on the thread.
  ControlThread(const std::string& path, Answer answer) {
    auto server = fuse::ControlServer::Listen(path);
    REQUIRE_OK(server);
    server_ = std::move(*server);
    server_->SetHandlers(
        {[answer = std::move(answer)](auto, const auto& request) { return answer(request); }, [](auto) {}});
    thread_ = std::thread([this] { Run(); });
  }
  ~ControlThread() {
    ::eventfd_write(stop_.get(), 1);
    thread_.join();
  }
  ControlThread(const ControlThread&) = delete;
  ControlThread& operator=(const ControlThread&) = delete;

 private:
  void Run() {
    for (;;) {
      std::vector<pollfd> watched = {{stop_.get(), POLLIN, 0}};
      server_->Watch(watched);
      ::poll(watched.data(), watched.size(), -1);
      if (watched[0].revents != 0) return;
      server_->Handle(watched);
    }
  }

  UniqueFd stop_{::eventfd(0, EFD_CLOEXEC)};
  std::unique_ptr<fuse::ControlServer> server_;
  std::thread thread_;  // last: uses the others
};

}  // namespace veneer::test
