#include "fs/fuse/control_server.h"

#include <fcntl.h>

#include "fs/fuse/control_channel.h"
#include "tests/support/catch.h"
#include "tests/support/scratch.h"

namespace veneer::fuse {
namespace {

using nlohmann::json;

// A server that says back what it hears, and a client of it that has said "hello", which nobody has taken
// yet.
struct Echo {
  test::Scratch scratch;
  std::unique_ptr<ControlServer> server;
  std::optional<ControlChannel> client;
  std::vector<json> heard;

  Echo() {
    auto listening = ControlServer::Listen(scratch / "echo.sock");
    REQUIRE_OK(listening);
    server = std::move(*listening);
    server->SetHandlers({[this](auto, const json& request) -> Result<ControlServer::Answer> {
                           heard.push_back(request);
                           return ControlServer::Answer(request);
                         },
                         [](auto) {}});
  }

  void Say(const json& message) {
    if (!client) {
      auto connected = ControlChannel::Connect(scratch / "echo.sock");
      REQUIRE_OK(connected);
      client.emplace(std::move(*connected));
    }
    REQUIRE_OK(client->Send(message));
  }

  std::vector<pollfd> Poll() const {
    std::vector<pollfd> watched;
    server->Watch(watched);
    REQUIRE(::poll(watched.data(), watched.size(), 0) > 0);
    return watched;
  }
};

TEST_CASE("messages hold the bytes of any path") {
  Echo echo;
  const json message = {{"dir", "odd \xff\xfe"}};
  echo.Say(message);
  echo.server->Handle(echo.Poll());
  echo.server->Handle(echo.Poll());
  REQUIRE(echo.heard.size() == 1);
  CHECK(echo.heard.front() == message);
  const auto answer = echo.client->ReceiveAnswer();
  REQUIRE_OK(answer);
  CHECK(answer->json == message);
}

TEST_CASE("a client whose descriptor has the number of one that was ready before is not taken for ready") {
  Echo echo;
  echo.Say({{"request", "hello"}});
  std::vector<pollfd> polled = echo.Poll();
  const int next = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::close(next);  // its number is the next to be given
  polled.push_back({next, POLLIN, POLLHUP});
  echo.server->Handle(polled);
  CHECK(echo.heard.empty());
  echo.server->Handle(echo.Poll());
  CHECK(echo.heard.size() == 1);
}

}  // namespace
}  // namespace veneer::fuse
