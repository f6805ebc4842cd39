#include "fs/fuse/control_channel.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <optional>

namespace veneer::fuse {
namespace {

using nlohmann::json;

constexpr size_t kMaxMessage = 128 << 10;  // bytes
constexpr time_t kAnswerSeconds = 120;

Result<sockaddr_un> AddressOf(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return Fail(ErrorCode::kUsage, "{}: too long for a socket", path);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

// Sends a message; true where the other end has closed.
Result<bool> SendUnlessGone(int socket, const json& message) {
  const std::string text = message.dump(-1, ' ', false, json::error_handler_t::replace);
  if (text.size() > kMaxMessage)
    return Fail(ErrorCode::kFailed, "a control message of {} bytes is too long", text.size());
  for (;;) {
    if (::send(socket, text.data(), text.size(), MSG_NOSIGNAL) >= 0) return false;
    if (errno == EPIPE || errno == ECONNRESET) return true;
    if (errno != EINTR) return FailErrno(errno, "control socket");
  }
}

tl::unexpected<Error> Gone() {
  return Fail(ErrorCode::kNotFound, "control socket: the server of the mount has gone");
}

// The next message, or nothing when the other end has closed.
Result<std::optional<json>> Receive(int socket) {
  std::string text(kMaxMessage, '\0');
  ssize_t n = 0;
  do {
    n = ::recv(socket, text.data(), text.size(), 0);
  } while (n < 0 && errno == EINTR);
  if (n == 0 || (n < 0 && errno == ECONNRESET)) return std::nullopt;
  if (n < 0) return FailErrno(errno, "control socket");
  json message = json::parse(text.begin(), text.begin() + n, nullptr, false);
  if (!message.is_object())
    return Fail(ErrorCode::kFailed, "control socket: a message that is no JSON object");
  return message;
}

json ErrorMessage(const Error& error) {
  return {{"error", {{"code", CodeWord(error.code())}, {"message", error.message()}}}};
}

}  // namespace

std::string ControlFolder(const std::string& identity) {
  return "/run/veneer/" + identity;
}

Result<ControlChannel> ControlChannel::Connect(const std::string& path) {
  VENEER_ASSIGN(const sockaddr_un address, AddressOf(path));
  UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!socket) return FailErrno(errno, path);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno != ECONNREFUSED) return FailErrno(errno, path);
    ::unlink(path.c_str());
    return Fail(ErrorCode::kNotFound, "{}: nobody listens", path);
  }
  const timeval patience{.tv_sec = kAnswerSeconds, .tv_usec = 0};
  if (::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0)
    return FailErrno(errno, path);
  return ControlChannel(std::move(socket));
}

Result<json> ControlChannel::Ask(const json& request) {
  if (gone_) return Gone();
  VENEER_ASSIGN(gone_, SendUnlessGone(socket_.get(), request));
  if (gone_) return Gone();
  VENEER_ASSIGN(auto answer, Receive(socket_.get()));
  gone_ = !answer;
  if (gone_) return Gone();
  if (const auto error = answer->find("error"); error != answer->end() && error->is_object()) {
    return tl::unexpected<Error>(Error(CodeOfWord(error->value("code", "")), error->value("message", "")));
  }
  return std::move(*answer);
}

// The socket gets its name only once it listens: one that refuses is taken for one that its server left
// behind.
Result<std::unique_ptr<ControlServer>> ControlServer::Listen(const std::string& path) {
  const std::string unready = path + ".new";
  VENEER_ASSIGN(const sockaddr_un address, AddressOf(unready));
  UniqueFd listener(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  UniqueFd stop(::eventfd(0, EFD_CLOEXEC));
  if (!listener || !stop) return FailErrno(errno, path);
  ::unlink(unready.c_str());
  const mode_t before = ::umask(0177);
  const int bound = ::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int error = errno;
  ::umask(before);
  if (bound != 0) return FailErrno(error, path);
  std::unique_ptr<ControlServer> server(new ControlServer(path, std::move(listener), std::move(stop)));
  if (::listen(server->listener_.get(), 64) != 0) return FailErrno(errno, path);
  if (::rename(unready.c_str(), path.c_str()) != 0) return FailErrno(errno, path);
  return server;
}

ControlServer::~ControlServer() {
  if (thread_.joinable()) {
    ::eventfd_write(stop_.get(), 1);
    thread_.join();
  }
  ::unlink(path_.c_str());
}

void ControlServer::Start(Handlers handlers) {
  handlers_ = std::move(handlers);
  thread_ = std::thread([this] { Run(); });
}

void ControlServer::Accept() {
  UniqueFd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (socket) clients_.emplace(next_client_++, std::move(socket));
}

namespace {

// A request whose members are of the wrong type, or want of memory, must not end the process that serves the
// mount.
Result<json> AnswerSafely(const ControlServer::Handlers& handlers, ControlServer::ClientId client,
                          const json& request) {
  try {
    return handlers.answer(client, request);
  } catch (const std::exception& exception) {
    return Fail(ErrorCode::kFailed, "control socket: {}", exception.what());
  }
}

}  // namespace

// Answers one request; false when the client has gone.
bool ControlServer::Serve(ClientId client, int socket) {
  const auto request = Receive(socket);
  if (!request || !*request) return false;
  const auto answer = AnswerSafely(handlers_, client, **request);
  const auto gone = SendUnlessGone(socket, answer ? *answer : ErrorMessage(answer.error()));
  return gone && !*gone;
}

void ControlServer::Run() {
  for (;;) {
    std::vector<pollfd> watched = {{stop_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}};
    std::vector<ClientId> ids;
    for (const auto& [id, socket] : clients_) {
      watched.push_back({socket.get(), POLLIN, 0});
      ids.push_back(id);
    }
    if (::poll(watched.data(), watched.size(), -1) < 0 && errno != EINTR) return;
    if (watched[0].revents != 0) return;
    if (watched[1].revents != 0) Accept();
    for (size_t i = 0; i < ids.size(); ++i) {
      if (watched[i + 2].revents == 0 || Serve(ids[i], watched[i + 2].fd)) continue;
      clients_.erase(ids[i]);
      handlers_.gone(ids[i]);
    }
  }
}

}  // namespace veneer::fuse
