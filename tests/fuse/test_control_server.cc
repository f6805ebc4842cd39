#include "fs/fuse/control_server.h"

#include <fcntl.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <thread>

#include "fs/fuse/control_channel.h"
#include "fs/fuse/socket_address.h"
#include "tests/support/catch.h"
#include "tests/support/few_descriptors.h"
#include "tests/support/scoped_cancel.h"
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

TEST_CASE("who waits for a server that is silent gives up in the end, and at once when a stop is asked for") {
  Echo echo;
  echo.Say({{"request", "hello"}});
  REQUIRE_FAILS(ErrorCode::kIo, echo.client->ReceiveAnswer(std::chrono::milliseconds(0)));
  const test::ScopedCancel cancel;
  REQUIRE_FAILS(ErrorCode::kInterrupted, echo.client->ReceiveAnswer());
  echo.server->Handle(echo.Poll());
  echo.server->Handle(echo.Poll());
  CHECK(echo.client->ReceiveAnswer().has_value());  // it is there already
}

TEST_CASE("a server that hears nobody for so long that no more can wait is silent") {
  Echo echo;
  std::vector<ControlChannel> waiting;
  for (;;) {
    auto connected = ControlChannel::Connect(echo.scratch / "echo.sock");
    if (!connected) {
      CHECK(connected.error().code() == ErrorCode::kIo);
      break;
    }
    waiting.push_back(std::move(*connected));
  }
  CHECK(waiting.size() >= 64);
}

// A socket that its server, killed, has left behind.
void LeaveSocket(const std::string& path) {
  const auto address = SocketAddress(path);  // no assertion: a thread of its own may be here
  if (!address) return;
  const UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  static_cast<void>(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address));
}

TEST_CASE("a socket that was left behind goes, and its folder if nothing else is in it") {
  const test::Scratch scratch;
  const std::string folder = scratch / "store";
  std::filesystem::create_directory(folder);
  LeaveSocket(folder + "/1.sock");
  LeaveSocket(folder + "/2.sock");
  REQUIRE_FAILS(ErrorCode::kNotFound, ControlChannel::Connect(folder + "/1.sock"));
  CHECK(std::filesystem::exists(folder + "/2.sock"));
  REQUIRE_FAILS(ErrorCode::kNotFound, ControlChannel::Connect(folder + "/2.sock"));
  CHECK_FALSE(std::filesystem::exists(folder));
}

TEST_CASE("a server finds its folder although others keep taking it away") {
  const test::Scratch scratch;
  const std::string folder = scratch / "store";
  std::atomic<bool> stop{false};
  std::thread other([&] {
    while (!stop) {
      LeaveSocket(folder + "/1.sock");
      static_cast<void>(ControlChannel::Connect(folder + "/1.sock"));
    }
  });
  for (int i = 0; i < 2000; ++i) {
    const auto server = ControlServer::ListenInFolder(folder, "2.sock");
    INFO((server ? "" : server.error().message()));
    CHECK(server.has_value());
    CHECK(ControlChannel::Connect(folder + "/2.sock").has_value());
  }
  stop = true;
  other.join();
}

TEST_CASE("what a client asked for that has gone is not done") {
  Echo echo;
  echo.Say({{"request", "late"}});
  echo.server->Handle(echo.Poll());  // takes the line
  echo.client.reset();
  echo.server->Handle(echo.Poll());
  CHECK(echo.heard.empty());
}

TEST_CASE("a client that has gone is known to be before another one is answered, whichever came first") {
  for (const size_t goes : {0U, 1U}) {
    INFO("client " << goes << " goes");
    Echo echo;
    std::vector<std::string> order;
    echo.server->SetHandlers({[&](auto, const json& request) -> Result<ControlServer::Answer> {
                                order.push_back(request.at("request"));
                                return ControlServer::Answer();
                              },
                              [&](auto) { order.emplace_back("gone"); }});
    std::optional<ControlChannel> clients[2];
    for (auto& client : clients) {
      auto connected = ControlChannel::Connect(echo.scratch / "echo.sock");
      REQUIRE_OK(connected);
      client.emplace(std::move(*connected));
      echo.server->Handle(echo.Poll());  // takes the line
    }
    REQUIRE_OK(clients[1 - goes]->Send({{"request", "next"}}));
    clients[goes].reset();
    echo.server->Handle(echo.Poll());
    CHECK(order == std::vector<std::string>{"gone", "next"});
  }
}

// Until there is nothing to do for the server: that ends, whoever waits.
void HandleAll(const Echo& echo) {
  for (int i = 0; i < 1000; ++i) {
    std::vector<pollfd> watched;
    echo.server->Watch(watched);
    if (::poll(watched.data(), watched.size(), 0) <= 0) return;
    echo.server->Handle(watched);
  }
  FAIL("the server is never done");
}

TEST_CASE(
    "no more clients are let in than leave descriptors for other things, and nobody spins for the rest") {
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  const rlimit few{64, before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
  Echo echo;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  REQUIRE(echo.server->most_clients() == 16);
  std::vector<ControlChannel> clients;
  for (size_t i = 0; i < 20; ++i) {
    echo.client.reset();
    echo.Say({{"client", i}});
    clients.push_back(std::move(*echo.client));
  }
  HandleAll(echo);
  CHECK(echo.heard.size() == 16);
  clients.erase(clients.begin(), clients.begin() + 3);
  HandleAll(echo);
  CHECK(echo.heard.size() == 19);
  clients.erase(clients.begin());
  HandleAll(echo);
  CHECK(echo.heard.size() == 20);
}

bool Watches(const Echo& echo, int fd) {
  std::vector<pollfd> watched;
  echo.server->Watch(watched);
  return std::any_of(watched.begin(), watched.end(), [&](const pollfd& one) { return one.fd == fd; });
}

TEST_CASE("a client for whom there is no descriptor waits, and nobody spins for it") {
  Echo echo;
  echo.Say({{"client", "first"}});
  const std::vector<pollfd> waiting = echo.Poll();
  REQUIRE(waiting.size() == 1);
  const int listener = waiting.front().fd;
  HandleAll(echo);
  ControlChannel first = std::move(*echo.client);
  echo.client.reset();
  echo.Say({{"client", "second"}});
  {
    const test::FewDescriptors none(0);
    echo.server->Handle(echo.Poll());
  }
  CHECK_FALSE(Watches(echo, listener));
  const bool goes = GENERATE(true, false);  // the first one; otherwise it is tried again after a while
  if (goes) {
    const ControlChannel gone = std::move(first);
  }
  std::vector<pollfd> watched;
  echo.server->Watch(watched);
  REQUIRE(::poll(watched.data(), watched.size(), 60'000) > 0);
  echo.server->Handle(watched);
  CHECK(Watches(echo, listener));
  HandleAll(echo);
  REQUIRE(echo.heard.size() == 2);
  CHECK(echo.heard.back() == json{{"client", "second"}});
}

}  // namespace
}  // namespace veneer::fuse
