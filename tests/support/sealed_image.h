// Layer files around any bytes: what no tool of ours would seal, sealed and signed all the same.
#pragma once

#include <string>
#include <vector>

#include "fs/base/bytes.h"
#include "fs/crypto/cms.h"
#include "fs/format/manifest.h"

namespace veneer::test {

// Writes the layer of `image` (whole blocks of 4096 bytes, not looked at) to the file `path`. `manifest`
// brings what the caller knows; its root hash and sizes are filled in. Fails the test if it cannot.
void SealBytes(const Bytes& image, const std::string& path, format::Manifest manifest,
               const std::vector<crypto::Signer>& signers);

}  // namespace veneer::test
