// A counter that nobody can set back: the anchor of the catalog's marks against rollback, where a policy asks
// for one.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "fs/base/error.h"
#include "fs/crypto/trust_store.h"

namespace veneer::crypto {

// For one thread. All functions: kIo where the device does not answer or refuses, with its words.
class MonotonicCounter {
 public:
  virtual ~MonotonicCounter() = default;

  // Its value; nothing if it has never been made.
  virtual Result<std::optional<uint64_t>> Read() = 0;

  // Makes it, which must not be there, and returns its first value, which is the device's to choose.
  virtual Result<uint64_t> Make() = 0;

  // Raises it by one.
  virtual Status Increment() = 0;
};

// The NV counter of a TPM 2.0 that `policy` names (TPM 2.0 Library, Part 1, 37.2.4). kUnsupported where this
// build has no TPM software stack; kIo where there is no such TPM.
Result<std::unique_ptr<MonotonicCounter>> OpenTpmCounter(const TpmPolicy& policy);

// In memory, for tests: what it holds may be set to anything, as a device's owner may change the device.
class MemoryCounter final : public MonotonicCounter {
 public:
  Result<std::optional<uint64_t>> Read() override { return value; }
  Result<uint64_t> Make() override { return *(value = 1); }
  Status Increment() override {
    if (fail_increment) return Fail(ErrorCode::kIo, "counter: does not answer");
    ++*value;
    return {};
  }

  std::optional<uint64_t> value;
  bool fail_increment = false;
};

}  // namespace veneer::crypto
