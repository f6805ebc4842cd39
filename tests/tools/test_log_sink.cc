#include "tools/log_sink.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <set>

#include "fs/base/unique_fd.h"
#include "tests/support/catch.h"
#include "tests/support/scratch.h"

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

}  // namespace
}  // namespace veneer::test
