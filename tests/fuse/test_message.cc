// Messages from a sender that need not be trusted.
#include "fs/fuse/message.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/catch.h"

namespace veneer::fuse {
namespace {

using nlohmann::json;

struct Ends {
  Ends() {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
    here.reset(ends[0]);
    there.reset(ends[1]);
  }
  // What comes of these bytes as a message.
  Result<std::optional<Message>> Hear(const std::string& bytes) const {
    REQUIRE(::send(there.get(), bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
    return ReceiveMessage(here.get());
  }
  UniqueFd here;
  UniqueFd there;
};

// {"a": X}, with `depth` arrays around nothing for X.
std::string Nested(size_t depth) {
  return "\xA1\x61"
         "a" +
         std::string(depth - 1, '\x81') + '\x80';
}

TEST_CASE("a message of arrays in arrays is an error, however deep, and no end of the process") {
  const Ends ends;
  REQUIRE_OK(ends.Hear(Nested(kMaxDepth - 1)));
  for (const size_t depth : {kMaxDepth, size_t{1000}, size_t{130'000}})
    REQUIRE_FAILS(ErrorCode::kFailed, ends.Hear(Nested(depth)));
  // The next one is heard.
  REQUIRE_OK(SendMessage(ends.there.get(), {{"request", "status"}}));
  const auto next = ReceiveMessage(ends.here.get());
  REQUIRE_OK(next);
  CHECK((*next)->json == json({{"request", "status"}}));
}

TEST_CASE("what has no length, and tags, are an error, however many there are") {
  const Ends ends;
  // Strings in parts, arrays and objects without a count, tags: in one another, and as a key.
  for (const char head : {'\x5F', '\x7F', '\x9F', '\xBF', '\xC0', '\xD8'}) {
    for (const size_t count : {size_t{1}, kMaxDepth - 2, size_t{130'000}}) {
      REQUIRE_FAILS(ErrorCode::kFailed, ends.Hear("\xA1\x61"
                                                  "a" +
                                                  std::string(count, head)));
      REQUIRE_FAILS(ErrorCode::kFailed, ends.Hear("\xA1" + std::string(count, head)));
    }
  }
  // Whole ones, that the parser itself would take.
  for (const std::string_view text : {"\xA1\x61"
                                      "a\x7F\x61"
                                      "b\xFF",
                                      "\xBF\x61"
                                      "a\x01\xFF",
                                      "\xA1\x61"
                                      "a\x9F\xFF"})
    REQUIRE_FAILS(ErrorCode::kFailed, ends.Hear(std::string(text)));
}

TEST_CASE("every kind of value that is sent is heard as it was") {
  const Ends ends;
  const json sent = {
      {"none", nullptr},
      {"truth", {true, false}},
      {"numbers", {0, 23, 24, 255, 256, 65535, 65536, uint64_t{1} << 32, -1, -1000, 0.5, 1e300}},
      {"texts", {"", std::string(23, 'x'), std::string(300, '\xFF'), std::string(70'000, 'y')}},
      {"bytes", json::binary({0x7F, 0x5F, 0xFF})},
      {"many", std::vector<int>(300, 7)}};
  REQUIRE_OK(SendMessage(ends.there.get(), sent));
  const auto heard = ReceiveMessage(ends.here.get());
  REQUIRE_OK(heard);
  CHECK((*heard)->json == sent);
}

TEST_CASE("bytes that are no JSON object are an error") {
  const Ends ends;
  for (const std::string& bytes :
       {std::string("x"), std::string("\x80"), std::string("\xA1"), std::string(100, '\xFF')})
    REQUIRE_FAILS(ErrorCode::kFailed, ends.Hear(bytes));
}

TEST_CASE("an error whose members are of other types is an error") {
  const auto answer = ReadAnswer({{"error", {{"code", 7}, {"message", json::array()}}}});
  REQUIRE_FAILS(ErrorCode::kFailed, answer);
}

TEST_CASE("descriptors for which there is no room are told of") {
  const Ends ends;
  const UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const std::vector<int> many(20, null.get());
  REQUIRE_OK(SendMessage(ends.there.get(), {{"request", "add"}}, many));
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  const rlimit few{static_cast<rlim_t>(null.get()) + 5, before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
  const auto received = ReceiveMessage(ends.here.get());
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  REQUIRE_FAILS(ErrorCode::kIo, received);
  CHECK(received.error().message().find("limit of file descriptors") != std::string::npos);
}

}  // namespace
}  // namespace veneer::fuse
