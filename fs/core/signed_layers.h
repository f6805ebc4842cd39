// The layer files of a store, told apart by their signatures alone: what can be said without a catalog.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "fs/base/error.h"
#include "fs/catalog/store.h"
#include "fs/crypto/trust_store.h"
#include "fs/layer/layer.h"

namespace veneer::core {

struct FoundLayer {
  layer::SignedManifest signed_manifest;
  std::string file_name;
};

struct FoundLayers {
  std::vector<FoundLayer> layers;            // bases first, then as they were made
  std::map<std::string, Error> passed_over;  // by file name: no layer to be trusted, and why
};

// Whether `error` says what a file is: damaged, of a stranger, of a newer program. Any other says that it
// could not be read, this time; nothing must be concluded from that.
bool TellsOfFile(const Error& error);

// Verifies the signature of the layer file `name` in the folder of `store`, validity in time aside, and that
// it has the name of its id. kCorrupt; the errors of PosixFile::Open and ReadSignedManifest.
Result<FoundLayer> VerifyLayerFile(const catalog::Store& store, const std::string& name,
                                   const crypto::TrustStore& trust);

// All layer files of `store` that pass that, and the others. One that cannot be read is an error, which says
// how to go on without it. kIo, kFailed.
Result<FoundLayers> FindSignedLayers(const catalog::Store& store, const crypto::TrustStore& trust);

}  // namespace veneer::core
