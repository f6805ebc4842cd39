#include "fs/fuse/control_server.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <new>

#include "fs/base/exception.h"
#include "fs/fuse/control_channel.h"
#include "fs/fuse/message.h"
#include "fs/fuse/socket_address.h"
#include "fs/io/file_ops.h"

namespace veneer::fuse {
namespace {

using nlohmann::json;

// A request whose members are of the wrong type, or want of memory, must not end the process that serves the
// mount.
Result<ControlServer::Answer> AnswerSafely(const ControlServer::Handlers& handlers,
                                           ControlServer::ClientId client, const json& request) {
  try {
    return handlers.answer(client, request);
  } catch (const std::exception& exception) {
    return tl::unexpected<Error>(ErrorOf(exception));
  }
}

constexpr long kPauseNanoseconds = 200'000'000;

constexpr rlim_t kClientsShare = 4;
constexpr rlim_t kMostClients = 256;

size_t MostClients() {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return 1;
  return std::clamp<rlim_t>(files.rlim_cur / kClientsShare, 1, kMostClients);
}

bool HasGone(int socket) {
  pollfd polled{socket, POLLRDHUP, 0};
  return ::poll(&polled, 1, 0) > 0;
}

}  // namespace

bool IsReady(std::span<const pollfd> polled, int fd) {
  return std::any_of(polled.begin(), polled.end(),
                     [fd](const pollfd& one) { return one.fd == fd && one.revents != 0; });
}

// The folder is made as often as others take it away: a server that ends, or who finds what one left behind.
Result<std::unique_ptr<ControlServer>> ControlServer::ListenInFolder(const std::string& folder,
                                                                     const std::string& name) {
  constexpr int kTries = 100;
  for (int i = 1;; ++i) {
    auto server = io::MakeFolders(folder).and_then([&] { return Listen(folder + "/" + name); });
    if (server || server.error().code() != ErrorCode::kNotFound || i == kTries) return server;
  }
}

// The socket gets its name only once it listens: one that refuses is taken for one that its server left
// behind.
Result<std::unique_ptr<ControlServer>> ControlServer::Listen(const std::string& path) {
  const std::string unready = path + ".new";
  VENEER_ASSIGN(const sockaddr_un address, SocketAddress(unready));
  UniqueFd listener(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener) return FailErrno(errno, path);
  UniqueFd pause(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!pause) return FailErrno(errno, path);
  ::unlink(unready.c_str());
  const mode_t before = ::umask(0177);
  const int bound = ::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int error = errno;
  ::umask(before);
  if (bound != 0) return FailErrno(error, path);
  std::unique_ptr<ControlServer> server(new ControlServer(path, std::move(listener), std::move(pause)));
  if (::listen(server->listener_.get(), 64) != 0) return FailErrno(errno, path);
  if (::rename(unready.c_str(), path.c_str()) != 0) return FailErrno(errno, path);
  return server;
}

ControlServer::ControlServer(std::string path, UniqueFd listener, UniqueFd pause)
    : path_(std::move(path)),
      listener_(std::move(listener)),
      pause_(std::move(pause)),
      most_clients_(MostClients()) {}

ControlServer::~ControlServer() {
  RemoveControlSocket(path_);
}

void ControlServer::Watch(std::vector<pollfd>& watched) const {
  if (clients_.size() < most_clients_) watched.push_back({(pausing_ ? pause_ : listener_).get(), POLLIN, 0});
  for (const auto& [id, socket] : clients_) watched.push_back({socket.get(), POLLIN, 0});
}

// Room for the client first: one that was taken and dropped for want of memory would think that nobody is
// here. Who cannot be let in, mostly for want of descriptors, stays in the queue, and the listener readable.
void ControlServer::Accept() {
  std::map<ClientId, UniqueFd> next;
  UniqueFd& socket = next[next_client_];
  socket.reset(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (socket) {
    ++next_client_;
    clients_.merge(next);
  } else if (errno != EAGAIN && errno != EINTR) {
    Pause(true);
  }
}

// While it lasts nobody is let in.
void ControlServer::Pause(bool begins) {
  pausing_ = begins;
  const itimerspec time{.it_interval = {},
                        .it_value = {.tv_sec = 0, .tv_nsec = begins ? kPauseNanoseconds : 0}};
  ::timerfd_settime(pause_.get(), 0, &time, nullptr);
}

// Answers one request; false when the client has gone. What it asked for before that is not done: nobody is
// there who would go on from the answer.
bool ControlServer::Serve(ClientId client, int socket) {
  const auto request = ReceiveMessage(socket);
  if (!request || !*request || HasGone(socket)) return false;
  const auto answer = AnswerSafely(handlers_, client, (*request)->json);
  if (!answer) return SendMessage(socket, ErrorAnswer(answer.error())).has_value();
  return SendMessage(socket, answer->json, answer->descriptors).has_value();
}

// Likewise, where there is no memory for the request or for its answer. The client must not take this process
// for one that is gone: it then passes the mount by.
bool ControlServer::ServeSafely(ClientId client, int socket) {
  try {
    return Serve(client, socket);
  } catch (const std::bad_alloc&) {
  }
  char rest = 0;
  static_cast<void>(!::recv(socket, &rest, sizeof rest, MSG_DONTWAIT));  // if it was not taken yet
  try {
    return SendMessage(socket, ErrorAnswer(OutOfMemory())).has_value();
  } catch (const std::bad_alloc&) {
    return false;
  }
}

// Drops each client of whom `is_over` says so, and tells of it. Returns how many they were.
template <typename IsOver>
size_t ControlServer::DropThose(const IsOver& is_over) {
  return std::erase_if(clients_, [&](const auto& client) {
    if (!is_over(client.first, client.second.get())) return false;
    handlers_.gone(client.first);
    return true;
  });
}

// Who has gone is dropped before anybody is answered: what he began is nobody's hindrance any more.
void ControlServer::Handle(std::span<const pollfd> polled) {
  std::vector<ClientId> ready;
  for (const auto& [id, socket] : clients_) {
    if (IsReady(polled, socket.get())) ready.push_back(id);
  }
  size_t gone = 0;
  if (!ready.empty()) gone += DropThose([](ClientId, int socket) { return HasGone(socket); });
  gone += DropThose([&](ClientId id, int socket) {
    return std::find(ready.begin(), ready.end(), id) != ready.end() && !ServeSafely(id, socket);
  });
  if (pausing_ && (gone > 0 || IsReady(polled, pause_.get()))) Pause(false);
  // Last: its descriptor may have the number of one that was closed since the poll, and is not ready for
  // that.
  if (IsReady(polled, listener_.get())) Accept();
}

}  // namespace veneer::fuse
