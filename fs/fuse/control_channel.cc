#include "fs/fuse/control_channel.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "fs/fuse/socket_address.h"

namespace veneer::fuse {
namespace {

using nlohmann::json;

constexpr time_t kAnswerSeconds = 120;

tl::unexpected<Error> Gone() {
  return Fail(ErrorCode::kNotFound, "control socket: the server of the mount has gone");
}

}  // namespace

std::string ControlFolder(const std::string& identity) {
  return "/run/veneer/" + identity;
}

Result<ControlChannel> ControlChannel::Connect(const std::string& path) {
  VENEER_ASSIGN(const sockaddr_un address, SocketAddress(path));
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

Result<Message> ControlChannel::ReceiveAnswer() {
  VENEER_ASSIGN(auto answer, ReceiveMessage(socket_.get()));
  gone_ = !answer;
  if (gone_) return Gone();
  VENEER_ASSIGN(answer->json, ReadAnswer(std::move(answer->json)));
  return std::move(*answer);
}

}  // namespace veneer::fuse
