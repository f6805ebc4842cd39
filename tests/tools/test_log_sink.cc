#include "tools/log_sink.h"

#include <fcntl.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <set>

#include "fs/base/unique_fd.h"
#include "tests/support/catch.h"
#include "tests/support/scratch.h"
#include "tests/support/watchdog.h"

namespace veneer::test {
namespace {

using fuse::Happening;

TEST_CASE("a line has the text and the fields behind it") {
  const Happening happening{
      fuse::kWorkerDied,
      "/a b: it died",
      {{"mount", "/a b"}, {"generation", "2"}, {"cause", "a \"b\" \\ c\nd"}, {"x", ""}}};
  CHECK(tools::LineOf(happening) ==
        R"(/a b: it died event=worker-died mount="/a b" generation=2 cause="a \"b\" \\ c\\x0ad" x="")");
}

TEST_CASE("a line that would be too long is cut where it is longest, and keeps its fields") {
  const Happening happening{fuse::kCorruption,
                            "/m: /" + std::string(4000, '\xff') + " is damaged",
                            {{"mount", "/m"}, {"path", "/" + std::string(3000, 'x')}, {"layer", "ab"}}};
  CHECK(tools::LineOf(happening).size() > 19000);
  const std::string line = tools::LineOf(happening, 4000);
  CHECK(line.size() <= 4000);
  CHECK(line.size() > 2000);
  CHECK(line.starts_with(R"(/m: /\xff\xff)"));
  CHECK(line.find(R"(\xff[...] event=corruption mount=/m path=/xxx)") != std::string::npos);
  CHECK(line.ends_with("x[...] layer=ab"));
}

TEST_CASE("an entry of the journal has a field a line, or with its length where it has several lines") {
  const Happening happening{fuse::kCorruption, "it is damaged", {{"layer_name", "a=b"}, {"path", "/a\nb"}}};
  const std::string length("\x04\0\0\0\0\0\0\0", 8);
  CHECK(tools::JournalEntryOf(happening) ==
        "MESSAGE=it is damaged\n"
        "MESSAGE_ID=1d6ab1851ce1452f9237b59259c5d81e\n"
        "PRIORITY=3\n"
        "SYSLOG_IDENTIFIER=veneer\n"
        "VENEER_EVENT=corruption\n"
        "VENEER_LAYER_NAME=a=b\n"
        "VENEER_PATH\n" +
            length + "/a\nb\n");
}

UniqueFd Listen(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  ::unlink(path.c_str());
  REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  return socket;
}

std::string Receive(const UniqueFd& socket) {
  char buffer[100];
  const ssize_t n = ::recv(socket.get(), buffer, sizeof buffer, 0);
  return n < 0 ? "" : std::string(buffer, static_cast<size_t>(n));
}

TEST_CASE("a reader that does not read keeps nobody waiting, and gets what comes when he reads again") {
  const Scratch scratch;
  const std::string path = scratch / "socket";
  const UniqueFd reader = Listen(path);
  tools::DatagramSink sink(path);
  size_t sent = 0;
  while (sink.Send("line")) ++sent;  // ends: what finds no room is dropped
  CHECK(sent > 0);
  CHECK_FALSE(sink.Send("dropped"));
  while (Receive(reader) == "line") --sent;
  CHECK(sent == 0);
  CHECK(sink.Send("again"));
  CHECK(Receive(reader) == "again");
}

TEST_CASE("another reader is found, and none is no trouble") {
  const Scratch scratch;
  const std::string path = scratch / "socket";
  tools::DatagramSink sink(path);
  CHECK_FALSE(sink.Send("nobody"));
  {
    const UniqueFd reader = Listen(path);
    CHECK(sink.Send("one"));
  }
  CHECK_FALSE(sink.Send("nobody"));
  const UniqueFd reader = Listen(path);
  CHECK(sink.Send("two"));
  CHECK(Receive(reader) == "two");
  CHECK_FALSE(tools::DatagramSink("/" + std::string(200, 'x')).Send("too long a path"));
}

// Writes until there is no room; how many lines went.
size_t FillUp(tools::LineSink& sink, const std::string& line) {
  size_t written = 0;
  while (sink.Write(line)) ++written;
  return written;
}

std::string ReadAll(int fd) {
  REQUIRE(::fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
  std::string text;
  std::array<char, 4096> part;
  for (ssize_t n = 0; (n = ::read(fd, part.data(), part.size())) > 0;) {
    text.append(part.data(), static_cast<size_t>(n));
  }
  std::erase(text, '\r');  // a terminal's
  return text;
}

struct Ends {
  UniqueFd reader, writer;  // the latter waits where nobody reads
};

Ends PipeEnds() {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

Ends SocketEnds() {
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

Ends TerminalEnds() {
  int ends[2];
  REQUIRE(::openpty(&ends[0], &ends[1], nullptr, nullptr, nullptr) == 0);
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

TEST_CASE(
    "nobody who does not read a pipe, a terminal or a socket is waited for, whatever the line's length") {
  const Watchdog watchdog;
  const auto open = GENERATE(&PipeEnds, &TerminalEnds, &SocketEnds);
  const size_t size = GENERATE(size_t{1}, size_t{100}, tools::LineSink::kMostBytes);
  const Ends ends = open();
  tools::LineSink sink(ends.writer.get());
  const std::string line = std::string(size - 1, 'x') + "\n";
  const size_t written = FillUp(sink, line);
  CHECK(written > 0);
  CHECK((::fcntl(ends.writer.get(), F_GETFL) & O_NONBLOCK) == 0);  // others have it too
  std::string whole;
  for (size_t i = 0; i < written; ++i) whole += line;
  CHECK(ReadAll(ends.reader.get()).starts_with(whole));
  CHECK(sink.Write("again\n"));
  const std::string again = ReadAll(ends.reader.get());
  CHECK((again == "again\n" || again == "\nagain\n"));  // after a line without its end it stands alone
}

TEST_CASE("a line goes whole into the one page that is left in a pipe, or not at all") {
  const Watchdog watchdog;
  const Ends ends = PipeEnds();
  tools::LineSink sink(ends.writer.get());
  const std::string page(tools::LineSink::kMostBytes, 'x');
  FillUp(sink, page);
  std::string read(page.size(), 0);
  REQUIRE(::read(ends.reader.get(), read.data(), read.size()) == static_cast<ssize_t>(read.size()));
  const std::string line = std::string(page.size() - 1, 'y') + "\n";
  CHECK(sink.Write(line));
  CHECK_FALSE(sink.Write(line));
  const std::string left = ReadAll(ends.reader.get());
  CHECK(left.ends_with("x" + line));
  CHECK(left.find('y') == left.size() - line.size());
}

TEST_CASE("lines in a file stand behind what others wrote there by the same descriptor") {
  const Scratch scratch;
  const UniqueFd file(::open((scratch / "log").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  REQUIRE(::write(file.get(), "one\n", 4) == 4);
  tools::LineSink sink(file.get());
  CHECK(sink.Write("two\n"));
  REQUIRE(::write(file.get(), "three\n", 6) == 6);
  REQUIRE(::lseek(file.get(), 0, SEEK_SET) == 0);
  CHECK(ReadAll(file.get()) == "one\ntwo\nthree\n");
}

// In a session of its own whose terminal is `terminal` and stops who writes in the background: writes there
// in the background. The exit status of who did, or 100 where he was stopped.
int WriteInTheBackground(int terminal) {
  termios modes{};
  ::setsid();
  ::ioctl(terminal, TIOCSCTTY, 0);
  ::tcgetattr(terminal, &modes);
  modes.c_lflag |= TOSTOP;
  ::tcsetattr(terminal, TCSANOW, &modes);
  const pid_t writer = ::fork();
  if (writer == 0) {
    ::setpgid(0, 0);
    ::_exit(tools::LineSink(terminal).Write("line\n") ? 0 : 1);
  }
  int status = 0;
  ::waitpid(writer, &status, WUNTRACED);
  if (!WIFSTOPPED(status)) return WEXITSTATUS(status);
  ::kill(writer, SIGKILL);
  return 100;
}

TEST_CASE("a terminal that stops who writes in the background stops no server of a mount") {
  const Ends ends = TerminalEnds();
  const pid_t session = ::fork();
  REQUIRE(session >= 0);
  if (session == 0) ::_exit(WriteInTheBackground(ends.writer.get()));
  int status = 0;
  REQUIRE(::waitpid(session, &status, 0) == session);
  CHECK(WEXITSTATUS(status) == 0);
}

}  // namespace
}  // namespace veneer::test
