// Any bytes are safe as a log of the catalog, and damage stays damage whatever follows in the next blocks.

#include "fs/catalog/log_check.h"
#include "tests/fuzz/require.h"

using namespace veneer;

namespace {

constexpr size_t kLogBlock = 32768;

bool IsDamaged(ByteSpan log) {
  const auto damaged = catalog::IsDamagedInside(io::MemoryFile(Bytes(log.begin(), log.end())));
  Require(damaged.has_value());  // memory is read without error
  return *damaged;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteSpan log(data, size);
  const bool damaged = IsDamaged(log);
  if (IsDamaged(log.first(size / kLogBlock * kLogBlock))) Require(damaged);
  return 0;
}
