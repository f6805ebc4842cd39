#include "tools/log_sink.h"

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

void WriteToStandardError(const Happening& happening) {
  pollfd ready{STDERR_FILENO, POLLOUT, 0};
  if (::poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0) return;
  const std::string line = "veneer: mount: " + LineOf(happening) + "\n";
  static_cast<void>(!::write(STDERR_FILENO, line.data(), line.size()));
}

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

std::string LineOf(const Happening& happening) {
  std::string line = Printable(happening.text) + " event=" + std::string(happening.kind.word);
  for (const auto& [name, value] : happening.fields) line += " " + name + "=" + Quoted(value);
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
  if (!journal && !daemon) return WriteToStandardError;
  const auto sink = std::make_shared<DatagramSink>(journal ? kJournalSocket : kSyslogSocket);
  return [sink, journal](const Happening& happening) {
    static_cast<void>(sink->Send(journal ? JournalEntryOf(happening)
                                         : fmt::format("<{}>veneer[{}]: {}",
                                                       LOG_DAEMON | PriorityOf(happening.kind.severity),
                                                       ::getpid(), LineOf(happening))));
  };
}

}  // namespace veneer::tools
