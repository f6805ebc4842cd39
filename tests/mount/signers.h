// The workshop's signer, for sealing by the library.
#pragma once

#include <vector>

#include "fs/crypto/cms.h"
#include "tests/tools/program.h"

namespace veneer::test {

inline std::vector<crypto::Signer> SignersOf(const Workshop& shop) {
  std::vector<crypto::Signer> signers;
  auto signer = crypto::Signer::Load(shop.key(), shop.certificate());
  REQUIRE_OK(signer);
  signers.push_back(std::move(*signer));
  return signers;
}

}  // namespace veneer::test
