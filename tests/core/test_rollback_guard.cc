#include "fs/core/rollback_guard.h"

#include "tests/support/catch.h"

namespace veneer::core {
namespace {

Result<RollbackGuard> Begin(std::optional<uint64_t> counter, uint64_t count, bool fail = false) {
  auto memory = std::make_unique<crypto::MemoryCounter>();
  memory->value = counter;
  memory->fail_increment = fail;
  return RollbackGuard::Begin(std::move(memory), count);
}

TEST_CASE("a catalog that is behind the counter was set back") {
  REQUIRE_OK(Begin(5, 5));
  REQUIRE_FAILS(ErrorCode::kDowngrade, Begin(5, 4));
  REQUIRE_FAILS(ErrorCode::kDowngrade, Begin(5, 0));
}

TEST_CASE("a catalog may be one ahead, after a crash, and the counter follows") {
  REQUIRE_OK(Begin(5, 6));
  REQUIRE_FAILS(ErrorCode::kIo, Begin(5, 6, true));
  REQUIRE_FAILS(ErrorCode::kFailed, Begin(5, 7));
}

TEST_CASE("a counter is made where nobody knows one, and missed where the catalog does") {
  REQUIRE_OK(Begin({}, 0));
  REQUIRE_FAILS(ErrorCode::kFailed, Begin({}, 3));
  REQUIRE_OK(RollbackGuard::Begin(nullptr, 3));
}

}  // namespace
}  // namespace veneer::core
