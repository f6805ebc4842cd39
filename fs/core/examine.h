// Every question that is asked of a layer file before it may be installed and activated, answered one by one.
#pragma once

#include <optional>
#include <vector>

#include "fs/base/error.h"
#include "fs/catalog/catalog.h"
#include "fs/catalog/store.h"
#include "fs/core/policy.h"
#include "fs/crypto/trust_store.h"
#include "fs/io/random_access_file.h"
#include "fs/layer/layer.h"
#include "fs/layer/progress.h"

namespace veneer::core {

struct Examination {
  std::vector<Check> checks;                   // in a fixed order, all of them
  std::optional<layer::SignedManifest> claim;  // none where not even the form of one is there
  bool authentic = false;                      // the claim's signature holds
};

// Asks all of `file` at time `now`: form, signature, revocation, time, blocks, those of JudgeInstall, and the
// paths that it shares with the current stack. Where the signature does not hold, the manifest is only
// claimed, and what it leads to inside the file is not looked at: such checks are skipped. kIo and the errors
// of the catalog; kInterrupted.
Result<Examination> Examine(const std::shared_ptr<const io::PosixFile>& file, const catalog::Store& store,
                            const catalog::Catalog& catalog, int64_t now, const layer::Progress& progress);

}  // namespace veneer::core
