#include "fs/core/rollback_guard.h"

namespace veneer::core {
namespace {

Result<std::unique_ptr<crypto::MonotonicCounter>> CounterOf(const crypto::Policy& policy) {
  if (!policy.tpm) return std::unique_ptr<crypto::MonotonicCounter>();
  return crypto::OpenTpmCounter(*policy.tpm);
}

}  // namespace

Result<RollbackGuard> RollbackGuard::Begin(std::unique_ptr<crypto::MonotonicCounter> counter,
                                           uint64_t count) {
  if (counter == nullptr) return RollbackGuard(nullptr, 0);
  VENEER_ASSIGN(std::optional<uint64_t> value, counter->Read());
  if (!value && count != 0) {
    return Fail(ErrorCode::kFailed, "the TPM has no counter, and the catalog knows one at {}{}", count,
                catalog::kRepairCatalog);
  }
  if (!value) {
    VENEER_ASSIGN(value, counter->Make());
    return RollbackGuard(std::move(counter), *value);
  }
  if (count < *value) {
    return Fail(ErrorCode::kDowngrade,
                "the catalog is at {} where the TPM's counter is at {}: it was set back{}", count, *value,
                catalog::kRepairCatalog);
  }
  if (count > *value + 1) {
    return Fail(ErrorCode::kFailed, "the catalog is at {} where the TPM's counter is at {}: another TPM{}",
                count, *value, catalog::kRepairCatalog);
  }
  if (count == *value + 1) VENEER_TRY(counter->Increment());
  return RollbackGuard(std::move(counter), count);
}

Result<RollbackGuard> RollbackGuard::Begin(const crypto::Policy& policy, const catalog::State& state) {
  VENEER_ASSIGN(auto counter, CounterOf(policy));
  return Begin(std::move(counter), state.tpm_count);
}

void RollbackGuard::AddTo(catalog::Update& update) const {
  if (counter_ != nullptr) update.SetTpmCount(value_ + 1);
}

Status RollbackGuard::Finish() {
  return counter_ == nullptr ? Status() : counter_->Increment();
}

Result<uint64_t> RollbackGuard::TakeOver(const crypto::Policy& policy) {
  VENEER_ASSIGN(const auto counter, CounterOf(policy));
  if (counter == nullptr) return 0;
  VENEER_ASSIGN(const std::optional<uint64_t> value, counter->Read());
  if (value) return *value;
  return counter->Make();
}

}  // namespace veneer::core
