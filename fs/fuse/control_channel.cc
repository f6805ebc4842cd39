#include "fs/fuse/control_channel.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "fs/base/cancel.h"
#include "fs/fuse/socket_address.h"

namespace veneer::fuse {
namespace {

using nlohmann::json;

tl::unexpected<Error> Gone() {
  return Fail(ErrorCode::kNotFound, "control socket: the server of the mount has gone");
}

}  // namespace

Result<bool> WaitFor(std::span<pollfd> lines, std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (::poll(lines.data(), lines.size(), kCancelPollMilliseconds) <= 0) {
    VENEER_TRY(CheckCancel());
    if (std::chrono::steady_clock::now() >= deadline) return false;
  }
  return true;
}

std::string ControlFolder(const std::string& identity) {
  return "/run/veneer/" + identity;
}

// A server that is about to listen there makes the folder again: ControlServer::ListenInFolder.
void RemoveControlSocket(const std::string& path) {
  ::unlink(path.c_str());
  ::rmdir(path.substr(0, path.rfind('/')).c_str());
}

Result<ControlChannel> ControlChannel::Connect(const std::string& path) {
  VENEER_ASSIGN(const sockaddr_un address, SocketAddress(path));
  UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!socket) return FailErrno(errno, path);
  // A server that hears nobody has a queue that may be full. A request always finds room in its own buffer.
  const timeval no_longer{.tv_sec = 0, .tv_usec = 1000 * kCancelPollMilliseconds};
  if (::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &no_longer, sizeof no_longer) != 0)
    return FailErrno(errno, path);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno == EAGAIN) return Fail(ErrorCode::kIo, "does not answer");
    if (errno != ECONNREFUSED) return FailErrno(errno, path);
    RemoveControlSocket(path);
    return Fail(ErrorCode::kNotFound, "{}: nobody listens", path);
  }
  return ControlChannel(std::move(socket));
}

Result<json> ControlChannel::Ask(const json& request, std::span<const int> descriptors) {
  VENEER_ASSIGN(Message answer, AskForMessage(request, descriptors));
  return std::move(answer.json);
}

Result<Message> ControlChannel::AskForMessage(const json& request, std::span<const int> descriptors) {
  VENEER_TRY(Send(request, descriptors));
  return ReceiveAnswer();
}

Status ControlChannel::Send(const json& request, std::span<const int> descriptors) {
  if (gone_) return Gone();
  if (Status sent = SendMessage(socket_.get(), request, descriptors); !sent) {
    gone_ = sent.error().code() == ErrorCode::kNotFound;
    if (gone_) return Gone();
    return sent;
  }
  return {};
}

Result<Message> ControlChannel::ReceiveAnswer(std::chrono::milliseconds patience) {
  pollfd readable{socket_.get(), POLLIN, 0};
  VENEER_ASSIGN(const bool answered, WaitFor({&readable, 1}, patience));
  if (!answered) return Fail(ErrorCode::kIo, "does not answer");
  VENEER_ASSIGN(auto answer, ReceiveMessage(socket_.get()));
  gone_ = !answer;
  if (gone_) return Gone();
  VENEER_ASSIGN(answer->json, ReadAnswer(std::move(answer->json)));
  return std::move(*answer);
}

}  // namespace veneer::fuse
