// What a Signer holds, for the files of this folder that sign.
#pragma once

#include <vector>

#include "fs/crypto/cms.h"
#include "fs/crypto/openssl_handles.h"

namespace veneer::crypto {

struct Signer::Material {
  PkeyPtr key;
  std::vector<X509Ptr> certificates;  // the signer's own first, then intermediates
};

}  // namespace veneer::crypto
