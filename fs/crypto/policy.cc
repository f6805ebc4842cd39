#include "fs/crypto/policy.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include "fs/format/json_object.h"
#include "fs/format/strict_json.h"

namespace veneer::crypto {
namespace {

constexpr int kPolicySchema = 1;
constexpr format::JsonLimits kLimits = {.size = kMaxPolicySize, .depth = 8};
constexpr uint64_t kMaxSigners = 16;
constexpr uint32_t kFirstOwnerIndex = 0x01800000;  // TCG's registry of reserved handles: the owner's
constexpr uint32_t kLastOwnerIndex = 0x01BFFFFF;

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

// An index is written in hexadecimal, as every TPM tool shows it, and so is a string.
Result<TpmPolicy> ReadTpm(const format::JsonObject& tpm) {
  VENEER_TRY(tpm.HasOnly({"nv_index", "tcti"}));
  TpmPolicy policy;
  VENEER_ASSIGN(const std::string index, tpm.Text("nv_index"));
  const char* const end = index.data() + index.size();
  const bool prefixed = index.starts_with("0x");
  const auto [at, error] = std::from_chars(index.data() + (prefixed ? 2 : 0), end, policy.nv_index, 16);
  if (!prefixed || error != std::errc() || at != end || policy.nv_index < kFirstOwnerIndex ||
      policy.nv_index > kLastOwnerIndex) {
    return Fail(ErrorCode::kCorrupt, "{}: is not an index from {:#010x} to {:#010x}, in hexadecimal with 0x",
                tpm.PathOf("nv_index"), kFirstOwnerIndex, kLastOwnerIndex);
  }
  if (tpm.Has("tcti")) {
    VENEER_ASSIGN(policy.tcti, tpm.TextOrEmpty("tcti"));
  }
  return policy;
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
  VENEER_TRY(object.HasOnly({"schema", "signers", "model", "auto", "tpm"}));
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
  if (object.Has("tpm")) {
    VENEER_ASSIGN(const format::JsonObject tpm, object.Object("tpm"));
    VENEER_ASSIGN(policy.tpm, ReadTpm(tpm));
  }
  return policy;
}

}  // namespace veneer::crypto
