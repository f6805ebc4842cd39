#include "tools/log_sink.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <memory>

#include "fs/base/endian.h"
#include "tools/text.h"

namespace veneer::tools {
namespace {

using fuse::Happening;
using fuse::Severity;

constexpr const char* kJournalSocket = "/run/systemd/journal/socket";
constexpr const char* kSyslogSocket = "/dev/log";

int PriorityOf(Severity severity) {
  switch (severity) {
    case Severity::kError:
      return LOG_ERR;
    case Severity::kWarning:
      return LOG_WARNING;
    case Severity::kInfo:
      return LOG_INFO;
  }
  return LOG_ERR;
}

// As a shell would take it, where it is not one plain word.
std::string Quoted(const std::string& value) {
  const std::string printable = Printable(value);
  const bool plain = !printable.empty() && printable.find_first_of(" \"=\\") == std::string::npos;
  if (plain) return printable;
  std::string quoted = "\"";
  for (const char c : printable) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

// systemd names in JOURNAL_STREAM the pipe or socket that it gave as standard output and error.
bool StandardErrorIsTheJournal() {
  const char* stream = std::getenv("JOURNAL_STREAM");  // NOLINT: one thread
  struct stat st {};
  if (stream == nullptr || ::fstat(STDERR_FILENO, &st) != 0) return false;
  return stream == fmt::format("{}:{}", st.st_dev, st.st_ino);
}

// A part of a line, of which no more than `most` bytes are shown.
std::string Cut(const std::string& part, size_t most) {
  return part.size() <= most ? part : part.substr(0, most) + "[...]";
}

std::string LineOfParts(const Happening& happening, size_t most) {
  std::string line = Printable(Cut(happening.text, most)) + " event=" + std::string(happening.kind.word);
  for (const auto& [name, value] : happening.fields) line += " " + name + "=" + Quoted(Cut(value, most));
  return line;
}

// Whether poll(2) has room in `fd` for one write of LineSink::kMostBytes.
bool HasRoom(int fd) {
  pollfd ready{fd, POLLOUT, 0};
  return ::poll(&ready, 1, 0) == 1 && (ready.revents & POLLOUT) != 0;
}

// A process in the background would be stopped for writing to a terminal that is set to that (stty tostop).
class NoStopping {
 public:
  NoStopping() {
    sigset_t stopping;
    sigemptyset(&stopping);
    sigaddset(&stopping, SIGTTOU);
    ::pthread_sigmask(SIG_BLOCK, &stopping, &before_);
  }
  ~NoStopping() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  NoStopping(const NoStopping&) = delete;
  NoStopping& operator=(const NoStopping&) = delete;

 private:
  sigset_t before_{};
};

// A value of several lines comes with its length before it.
void AddField(std::string& entry, const std::string& name, const std::string& value) {
  if (value.find('\n') == std::string::npos) {
    entry += name + "=" + value + "\n";
    return;
  }
  const Le64 size(value.size());
  entry += name + "\n";
  entry.append(reinterpret_cast<const char*>(&size), sizeof size);
  entry += value + "\n";
}

}  // namespace

// Escapes make a part up to four times as long, and quotes a little longer.
std::string LineOf(const Happening& happening, size_t most) {
  std::string line = LineOfParts(happening, most);
  for (size_t part = most / 2; line.size() > most && part > 0; part /= 2) line = LineOfParts(happening, part);
  return line;
}

std::string JournalEntryOf(const Happening& happening) {
  std::string entry;
  AddField(entry, "MESSAGE", happening.text);
  AddField(entry, "MESSAGE_ID", std::string(happening.kind.message_id));
  AddField(entry, "PRIORITY", std::to_string(PriorityOf(happening.kind.severity)));
  AddField(entry, "SYSLOG_IDENTIFIER", "veneer");
  AddField(entry, "VENEER_EVENT", std::string(happening.kind.word));
  for (const auto& [name, value] : happening.fields) {
    std::string upper = "VENEER_" + name;
    std::transform(upper.begin(), upper.end(), upper.begin(),
                   [](unsigned char c) { return std::toupper(c); });
    AddField(entry, upper, value);
  }
  return entry;
}

// Whether writing waits is a property of what was opened, which the shell has too: it stays as it is.
LineSink::LineSink(int fd) : fd_(fd) {
  struct stat st {};
  if (::fstat(fd, &st) != 0) return;
  socket_ = S_ISSOCK(st.st_mode);
  if (S_ISFIFO(st.st_mode) || ::isatty(fd) != 0) {
    const std::string path = fmt::format("/proc/self/fd/{}", fd);
    own_.reset(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  }
}

// A pipe that cannot be opened anew has room for one whole line where poll says that it has room. A terminal
// need not.
ssize_t LineSink::WriteSome(const std::string& text) const {
  if (socket_) return ::send(fd_, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (own_) return ::write(own_.get(), text.data(), text.size());
  if (::isatty(fd_) != 0 || !HasRoom(fd_)) return -1;
  return ::write(fd_, text.data(), text.size());
}

bool LineSink::Write(const std::string& line) {
  const NoStopping in_the_background;
  const std::string text = cut_ ? "\n" + line : line;
  const ssize_t n = WriteSome(text);
  if (n > 0) cut_ = static_cast<size_t>(n) < text.size();
  return n == static_cast<ssize_t>(text.size());
}

bool DatagramSink::Connect() {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path_.size() >= sizeof address.sun_path) return false;
  path_.copy(address.sun_path, path_.size());
  socket_.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  return socket_ &&
         ::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

bool DatagramSink::Send(const std::string& datagram) {
  const auto send = [&] {
    return ::send(socket_.get(), datagram.data(), datagram.size(), MSG_NOSIGNAL) >= 0;
  };
  if (socket_ && send()) return true;
  if (socket_ && (errno == EAGAIN || errno == EMSGSIZE)) return false;
  return Connect() && send();
}

fuse::Log OpenLog(bool daemon) {
  const bool journal = StandardErrorIsTheJournal() || (daemon && ::access(kJournalSocket, F_OK) == 0);
  if (!journal && !daemon) {
    const auto lines = std::make_shared<LineSink>(STDERR_FILENO);
    return [lines](const Happening& happening) {
      const std::string begin = "veneer: mount: ";
      lines->Write(begin + LineOf(happening, LineSink::kMostBytes - begin.size() - 1) + "\n");
    };
  }
  const auto sink = std::make_shared<DatagramSink>(journal ? kJournalSocket : kSyslogSocket);
  return [sink, journal](const Happening& happening) {
    static_cast<void>(sink->Send(journal ? JournalEntryOf(happening)
                                         : fmt::format("<{}>veneer[{}]: {}",
                                                       LOG_DAEMON | PriorityOf(happening.kind.severity),
                                                       ::getpid(), LineOf(happening))));
  };
}

}  // namespace veneer::tools
