// Where the lines of a mount's log go.
#pragma once

#include <string>

#include "fs/base/unique_fd.h"
#include "fs/fuse/happening.h"

namespace veneer::tools {

// Decides, once and for all programs: a process that systemd runs, and a daemon on a machine with journald,
// write to the journal, with fields; another daemon to syslog; everybody else to standard error, a line for
// each. The lines of syslog and of standard error have the fields behind the text, as key=value.
//
// No sink waits for its reader, who may himself be waiting for the mount: what finds no room is dropped.
fuse::Log OpenLog(bool daemon);

// `happening` as one line: "TEXT event=KIND key=value key="other value"".
std::string LineOf(const fuse::Happening& happening);

// `happening` as an entry of the journal, in its native protocol: MESSAGE, MESSAGE_ID, PRIORITY,
// SYSLOG_IDENTIFIER, VENEER_EVENT, and each field as VENEER_NAME.
std::string JournalEntryOf(const fuse::Happening& happening);

// Sends datagrams to the Unix socket at `path`. For one thread.
class DatagramSink {
 public:
  explicit DatagramSink(std::string path) : path_(std::move(path)) {}

  // Does not wait; connects anew where the reader is another one. False if it was not sent.
  bool Send(const std::string& datagram);

 private:
  bool Connect();

  std::string path_;
  UniqueFd socket_;
};

}  // namespace veneer::tools
