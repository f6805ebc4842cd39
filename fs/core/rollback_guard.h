// Whether the catalog itself was set back: its count of what was taken in, held against a counter that nobody
// can set back.
//
// The catalog may be one ahead: its batch is written first and the counter raised behind it, so that a crash
// in between never makes a good catalog look old.
#pragma once

#include <cstdint>
#include <memory>

#include "fs/base/error.h"
#include "fs/catalog/catalog.h"
#include "fs/crypto/monotonic_counter.h"

namespace veneer::core {

// For one taking-in: Begin, then AddTo the batch, then Finish when it is written.
class RollbackGuard {
 public:
  // `counter` is null where the policy asks for none; all is then well, and nothing is counted. A counter
  // that was never made is made, if the catalog knows of none either. kDowngrade: the catalog is older than
  // the counter. kFailed: it is further ahead than a crash explains, or knows a counter that is not there.
  // Both name the mending command. kIo.
  static Result<RollbackGuard> Begin(std::unique_ptr<crypto::MonotonicCounter> counter, uint64_t count);

  // As the policy of the store has it.
  static Result<RollbackGuard> Begin(const crypto::Policy& policy, const catalog::State& state);

  // Counts what `update` records.
  void AddTo(catalog::Update& update) const;

  // The batch is written. kIo: the next taking-in makes up for it.
  Status Finish();

  // Takes the counter as it stands, for a catalog that is made anew: the count to record, 0 where the policy
  // asks for none.
  static Result<uint64_t> TakeOver(const crypto::Policy& policy);

 private:
  RollbackGuard(std::unique_ptr<crypto::MonotonicCounter> counter, uint64_t value)
      : counter_(std::move(counter)), value_(value) {}

  std::unique_ptr<crypto::MonotonicCounter> counter_;
  uint64_t value_;
};

}  // namespace veneer::core
