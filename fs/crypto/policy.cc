#include "fs/crypto/policy.h"

#include <nlohmann/json.hpp>

#include "fs/format/json_object.h"
#include "fs/format/strict_json.h"

namespace veneer::crypto {
namespace {

constexpr int kPolicySchema = 1;
constexpr format::JsonLimits kLimits = {.size = kMaxPolicySize, .depth = 8};
constexpr uint64_t kMaxSigners = 16;

Status ReadSigners(const format::JsonObject& signers, Policy& policy) {
  VENEER_TRY(signers.HasOnly({RoleWord(Role::kBase), RoleWord(Role::kPatch), RoleWord(Role::kFeed)}));
  const auto read = [&](Role role, unsigned& count) -> Status {
    if (!signers.Has(RoleWord(role))) return {};
    VENEER_ASSIGN(const uint64_t number, signers.Integer(RoleWord(role), 1, kMaxSigners));
    count = static_cast<unsigned>(number);
    return {};
  };
  VENEER_TRY(read(Role::kBase, policy.base_signers));
  VENEER_TRY(read(Role::kPatch, policy.patch_signers));
  return read(Role::kFeed, policy.feed_signers);
}

}  // namespace

unsigned Policy::SignersFor(Role role) const {
  switch (role) {
    case Role::kBase:
      return base_signers;
    case Role::kPatch:
      return patch_signers;
    case Role::kFeed:
      return feed_signers;
  }
  return base_signers;
}

Result<Policy> ParsePolicy(ByteSpan json) {
  VENEER_ASSIGN(const nlohmann::json value, format::ParseStrictJson(json, kLimits));
  VENEER_ASSIGN(const format::JsonObject object, format::JsonObject::Of(value));
  VENEER_TRY(object.Schema("schema", kPolicySchema));
  VENEER_TRY(object.HasOnly({"schema", "signers", "model", "auto"}));
  Policy policy;
  if (object.Has("signers")) {
    VENEER_ASSIGN(const format::JsonObject signers, object.Object("signers"));
    VENEER_TRY(ReadSigners(signers, policy));
  }
  if (object.Has("model")) {
    VENEER_ASSIGN(policy.model, object.TextOrEmpty("model"));
  }
  if (object.Has("auto")) {
    VENEER_ASSIGN(policy.automatic, object.Boolean("auto"));
  }
  return policy;
}

}  // namespace veneer::crypto
