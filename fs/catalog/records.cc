#include "fs/catalog/records.h"

#include "fs/crypto/sha256.h"

namespace veneer::catalog {

Digest EffectiveRoot(const std::vector<std::string>& layers) {
  crypto::Sha256Hasher hasher;
  for (const std::string& id : layers) {
    hasher.Update(AsBytes(id));
    hasher.Update(AsBytes("\n"));
  }
  return hasher.Finish();
}

}  // namespace veneer::catalog
