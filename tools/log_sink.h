// Where the lines of a mount's log go.
#pragma once

#include <sys/types.h>

#include <climits>
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

// `happening` as one line of at most `most` bytes: "TEXT event=KIND key=value key="other value"". Where it
// would be longer, the longest of text and values are cut, and end in "[...]". `most` has to leave room for
// the keys.
std::string LineOf(const fuse::Happening& happening, size_t most = std::string::npos);

// `happening` as an entry of the journal, in its native protocol: MESSAGE, MESSAGE_ID, PRIORITY,
// SYSLOG_IDENTIFIER, VENEER_EVENT, and each field as VENEER_NAME.
std::string JournalEntryOf(const fuse::Happening& happening);

// Writes lines to a descriptor that others may have too, and may read as slowly as they like: a pipe, a
// terminal, a socket, a file. For one thread.
class LineSink {
 public:
  // The longest line that goes into a pipe as a whole or not at all.
  static constexpr size_t kMostBytes = PIPE_BUF;

  // `fd`: borrowed.
  explicit LineSink(int fd);

  // Writes `line`, which has its end and at most kMostBytes. Does not wait, also where whoever gave the
  // descriptor would; nor is a process in the background stopped for it. False if not all of it was written.
  bool Write(const std::string& line);

 private:
  ssize_t WriteSome(const std::string& text) const;

  int fd_;
  UniqueFd own_;         // the same pipe or terminal, opened anew
  bool socket_ = false;  // which cannot be opened anew
  bool cut_ = false;     // the last line has no end
};

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
