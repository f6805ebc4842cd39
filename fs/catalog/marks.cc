#include "fs/catalog/marks.h"

#include <limits>

#include "fs/catalog/keys.h"

namespace veneer::catalog {
namespace {

Result<uint64_t> Number(std::string_view text, uint64_t max) {
  if (const auto number = ParseDecimal(text, max)) return *number;
  return Fail(ErrorCode::kDamaged, "not a decimal number up to {}", max);
}

// Takes a sequence that is kept for `component`.
Status ReadSequence(std::string_view component, std::string_view value,
                    std::map<std::string, uint32_t>& sequences) {
  if (!IsComponent(component)) return Fail(ErrorCode::kDamaged, "not the name of a component");
  VENEER_ASSIGN(const uint64_t sequence, Number(value, std::numeric_limits<uint32_t>::max()));
  sequences[std::string(component)] = static_cast<uint32_t>(sequence);
  return {};
}

Status ReadWithdrawn(std::string_view layer, std::string_view value, State& state) {
  if (!IsLayerId(layer)) return Fail(ErrorCode::kDamaged, "not a layer id");
  VENEER_ASSIGN(const uint64_t time, Number(value, kMaxNumber));
  state.withdrawn[std::string(layer)] = time;
  return {};
}

}  // namespace

Status ReadMark(std::string_view name, std::string_view value, State& state) {
  if (name.starts_with(kStateSequencePrefix)) {
    return ReadSequence(name.substr(kStateSequencePrefix.size()), value, state.highest_sequence);
  }
  if (name.starts_with(kStateFloorPrefix)) {
    return ReadSequence(name.substr(kStateFloorPrefix.size()), value, state.security_floor);
  }
  if (name.starts_with(kStateWithdrawnPrefix)) {
    return ReadWithdrawn(name.substr(kStateWithdrawnPrefix.size()), value, state);
  }
  uint64_t* const mark = name == kStateCurrent      ? &state.current
                         : name == kStatePending    ? &state.pending
                         : name == kStateLastGood   ? &state.last_good
                         : name == kStateLatestTime ? &state.latest_time
                         : name == kStateTpmCount   ? &state.tpm_count
                                                    : nullptr;
  if (mark == nullptr) return {};
  VENEER_ASSIGN(*mark, Number(value, kMaxNumber));
  return {};
}

}  // namespace veneer::catalog
