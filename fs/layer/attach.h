// Putting a signature that was made elsewhere into a layer file.
#pragma once

#include <string>
#include <vector>

#include "fs/base/bytes.h"
#include "fs/base/error.h"
#include "fs/crypto/cms.h"
#include "fs/io/random_access_file.h"

namespace veneer::layer {

struct AttachResult {
  std::string layer_id;
  std::vector<crypto::SignerDescription> signers;
};

// Writes `output`: the layer `file`, signed or not, with `der` as its signature. `der` is one CMS message
// over exactly the layer's manifest, and each signature in it has to match its certificate; whether anybody
// trusts the signers is not judged. kCorrupt, kUntrusted (as crypto::CmsCheckSignatures) for another message;
// kExists if `output` is there; kNoSpace, kIo.
Result<AttachResult> AttachSignature(const io::PosixFile& file, ByteSpan der, const std::string& output);

}  // namespace veneer::layer
