// Taking a layer file into a store: verified wholly, judged by policy, copied in, recorded.
#pragma once

#include <memory>
#include <string>

#include "fs/base/error.h"
#include "fs/catalog/catalog.h"
#include "fs/catalog/store.h"
#include "fs/core/policy.h"
#include "fs/crypto/trust_store.h"
#include "fs/io/random_access_file.h"
#include "fs/layer/layer.h"
#include "fs/layer/progress.h"

namespace veneer::core {

struct InstallResult {
  layer::SignedManifest signed_manifest;
  bool already = false;    // it was installed before
  bool repaired = false;   // and its file was damaged: it was put in place again
  uint64_t file_size = 0;  // bytes
};

// What installs are judged by in this store now.
Result<InstallFacts> GatherFacts(const catalog::Store& store, const catalog::Catalog& catalog,
                                 const crypto::TrustStore& trust);

// Installs the layer `file` at time `now`: its manifest is verified and judged, then it is copied from the
// same descriptor, and the copy is verified to its last block before it gets its name, so that nothing which
// happens to the file or its path meanwhile matters. Validity in time is judged at `now` or the latest time
// seen. A layer that is there already is judged again too; only where its file is damaged is it
// put in place again without, since it is the same layer. Refusals as in design §7;
// kNoSpace, kIo; those of RollbackGuard where the policy asks for a TPM. After an error the store is as it
// was, but for a slot that may have been used up and a file that gc takes away; where only
// RollbackGuard::Finish failed, the layer is installed.
Result<InstallResult> Install(const io::PosixFile& file, const catalog::Store& store,
                              catalog::Catalog& catalog, const crypto::TrustStore& trust, int64_t now,
                              const std::string& by, const layer::Progress& progress);

}  // namespace veneer::core
