// What a TrustStore holds, for the files of this folder that verify.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "fs/crypto/openssl_handles.h"
#include "fs/crypto/trust_store.h"

namespace veneer::crypto {

// The trust anchors of one role.
struct RoleAnchors {
  std::vector<X509Ptr> certificates;
  X509StorePtr store;  // the same ones, for X509_verify_cert
};

struct TrustStore::Certificates {
  std::string path;
  Policy policy;
  std::array<RoleAnchors, 3> roles;  // by Role
  std::vector<X509CrlPtr> revocation_lists;

  const RoleAnchors& AnchorsOf(Role role) const { return roles.at(static_cast<size_t>(role)); }
};

}  // namespace veneer::crypto
