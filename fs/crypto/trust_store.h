// Who may sign what: the folder of trusted certificates, and the machine's policy. See design §7.
//
//   DIR/base.d/*.pem   roots of trust for base layers
//   DIR/patch.d/*.pem  roots of trust for patch layers
//   DIR/feed.d/*.pem   roots of trust for feeds and withdrawals
//   DIR/crl.d/*.pem    revocation lists, for all roles
//   DIR/policy.json    {"schema": 1, "signers": {"base": 1, "patch": 1, "feed": 1}, "model": "", "auto":
//   false, "tpm": {"nv_index": "0x01800000", "tcti": ""}}
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "fs/base/error.h"

namespace veneer::crypto {

enum class Role { kBase, kPatch, kFeed };
std::string_view RoleWord(Role role);  // "base", "patch", "feed"

// A TPM's NV counter that the catalog's marks are held against.
struct TpmPolicy {
  uint32_t nv_index = 0;  // 0x01800000 to 0x01BFFFFF: an owner's index
  std::string tcti;       // how to reach the TPM, as tpm2-tss names it; empty: the machine's own
};

struct Policy {
  unsigned base_signers = 1;  // distinct signers that each role needs, 1 to 16
  unsigned patch_signers = 1;
  unsigned feed_signers = 1;
  std::string model;       // of this machine; empty: not said
  bool automatic = false;  // "auto"
  std::optional<TpmPolicy> tpm;

  unsigned SignersFor(Role role) const;
};

// Immutable once loaded; safe from several threads.
class TrustStore {
 public:
  // Reads the folder `path`. A role's folder that is missing or empty leaves the role with no root: nothing
  // signed for it is accepted. policy.json may be missing. kNotFound if `path` is not a folder; kCorrupt for
  // a file in it that cannot be read as what its place says, or whose name does not end in ".pem" (one that
  // begins with a dot is passed over), so that a damaged store never trusts less or more than its owner
  // wrote; kUnsupportedSchema for a policy.json of another schema; kIo.
  static Result<std::shared_ptr<const TrustStore>> Load(const std::string& path);

  // Likewise, with the revocation lists left out: for telling whether they are all that is against a
  // signature, and never for a decision.
  static Result<std::shared_ptr<const TrustStore>> LoadWithoutRevocation(const std::string& path);

  ~TrustStore();
  TrustStore(const TrustStore&) = delete;
  TrustStore& operator=(const TrustStore&) = delete;

  const Policy& policy() const;
  const std::string& path() const;

  // The certificates of each role and the revocation lists, for cms.cc alone.
  struct Certificates;
  const Certificates& certificates() const { return *certificates_; }

 private:
  TrustStore();
  static Result<std::shared_ptr<TrustStore>> LoadAnchorsAndPolicy(const std::string& path);
  std::unique_ptr<Certificates> certificates_;
};

}  // namespace veneer::crypto
