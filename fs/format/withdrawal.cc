#include "fs/format/withdrawal.h"

#include <nlohmann/json.hpp>

#include "fs/format/json_object.h"
#include "fs/format/manifest.h"
#include "fs/format/strict_json.h"
#include "fs/format/utc_time.h"

namespace veneer::format {
namespace {

// What tells it from all else that is signed in the feed role.
constexpr std::string_view kKind = "withdrawal";
constexpr JsonLimits kLimits = {.size = kMaxWithdrawalSize, .depth = 8};
constexpr size_t kMaxReasonSize = 4096;  // bytes

Result<Withdrawal> Read(ByteSpan text) {
  VENEER_ASSIGN(const nlohmann::json value, ParseStrictJson(text, kLimits));
  VENEER_ASSIGN(const JsonObject object, JsonObject::Of(value));
  VENEER_TRY(object.Schema("schema", kWithdrawalSchema));
  VENEER_ASSIGN(const std::string kind, object.Text("kind"));
  if (kind != kKind) return Fail(ErrorCode::kCorrupt, "kind: is not \"{}\"", kKind);
  Withdrawal withdrawal;
  VENEER_ASSIGN(const std::string layer, object.Text("layer"));
  const auto id = DigestFromHex(layer);
  if (!id) return Fail(ErrorCode::kCorrupt, "layer: is not 64 hexadecimal digits");
  withdrawal.layer = ToHex(*id);
  VENEER_ASSIGN(withdrawal.component, object.Text("component"));
  if (!IsComponentName(withdrawal.component)) {
    return Fail(ErrorCode::kCorrupt, "component: is not the name of a component");
  }
  VENEER_ASSIGN(const uint64_t sequence, object.Integer("sequence", 1, UINT32_MAX));
  withdrawal.sequence = static_cast<uint32_t>(sequence);
  VENEER_ASSIGN(withdrawal.reason, object.Text("reason", kMaxReasonSize));
  VENEER_ASSIGN(withdrawal.created, object.Text("created"));
  if (!IsUtcTime(withdrawal.created)) {
    return Fail(ErrorCode::kCorrupt, "created: is not a UTC time such as 2026-01-31T12:00:00Z");
  }
  return withdrawal;
}

}  // namespace

Result<Withdrawal> ParseWithdrawal(ByteSpan json) {
  Result<Withdrawal> withdrawal = Read(json);
  if (!withdrawal) return tl::unexpected<Error>(withdrawal.error().Within("withdrawal"));
  return withdrawal;
}

std::string WriteWithdrawal(const Withdrawal& withdrawal) {
  nlohmann::ordered_json object;
  object["schema"] = kWithdrawalSchema;
  object["kind"] = kKind;
  object["layer"] = withdrawal.layer;
  object["component"] = withdrawal.component;
  object["sequence"] = withdrawal.sequence;
  object["reason"] = withdrawal.reason;
  object["created"] = withdrawal.created;
  return object.dump(2, ' ', /*ensure_ascii=*/false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace veneer::format
