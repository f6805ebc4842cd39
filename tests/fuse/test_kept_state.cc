#include "fs/fuse/kept_state.h"

#include <fcntl.h>
#include <unistd.h>

#include "tests/support/catch.h"

namespace veneer::fuse {
namespace {

using nlohmann::json;

KeptState New() {
  auto state = KeptState::Create();
  REQUIRE_OK(state);
  return std::move(*state);
}

TEST_CASE("the next process reads what was written last") {
  KeptState state = New();
  REQUIRE_FAILS(ErrorCode::kFailed, state.Read());
  for (int i = 0; i < 5; ++i) {
    const json written = {{"number", i}, {"text", std::string(static_cast<size_t>(1000 / (i + 1)), '\xff')}};
    REQUIRE_OK(state.Write(written));
    const KeptState next(UniqueFd(::fcntl(state.fd(), F_DUPFD_CLOEXEC, 0)));
    const auto read = next.Read();
    REQUIRE_OK(read);
    CHECK(*read == written);
  }
}

TEST_CASE("a write that a kill cut short leaves the state before it") {
  KeptState state = New();
  REQUIRE_OK(state.Write({{"number", 1}}));
  uint64_t head = 0;
  REQUIRE(::pread(state.fd(), &head, sizeof head, 0) == sizeof head);
  REQUIRE_OK(state.Write({{"number", 2}}));
  // All of the new one is there but the word that says so.
  REQUIRE(::pwrite(state.fd(), &head, sizeof head, 0) == sizeof head);
  CHECK(state.Read()->at("number") == 1);
  REQUIRE_OK(state.Write({{"number", 3}}));
  CHECK(state.Read()->at("number") == 3);
}

TEST_CASE("what is too long or is no state is an error") {
  KeptState state = New();
  REQUIRE_OK(state.Write({{"number", 1}}));
  REQUIRE_FAILS(ErrorCode::kFailed, state.Write({{"text", std::string(65 << 20, 'x')}}));
  CHECK(state.Read()->at("number") == 1);
  const std::string garbage(100, '\xff');
  REQUIRE(::pwrite(state.fd(), garbage.data(), garbage.size(), 0) == 100);
  REQUIRE_FAILS(ErrorCode::kFailed, state.Read());
  REQUIRE(::ftruncate(state.fd(), 0) == 0);
  REQUIRE_FAILS(ErrorCode::kFailed, state.Read());
}

}  // namespace
}  // namespace veneer::fuse
