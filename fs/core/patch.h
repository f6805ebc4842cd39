// Making a patch layer: what a whole tree differs in from the stack below it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "fs/base/error.h"
#include "fs/core/staging.h"
#include "fs/crypto/cms.h"
#include "fs/format/manifest.h"
#include "fs/layer/layer.h"
#include "fs/layer/seal.h"

namespace veneer::core {

struct PatchResult {
  layer::SealResult seal;
  PatchContents contents;
};

// Seals a patch into `output`: `tree` is the whole tree as it should be, `below` the layers that it is laid
// over, base first. Needs room beside `output` for what the patch holds, twice. Errors as layer::Seal and
// layer::ScanTree; kUsage too where nothing differs.
Result<PatchResult> SealPatch(const std::string& tree,
                              const std::vector<std::shared_ptr<const layer::Layer>>& below,
                              const std::string& output, format::Manifest manifest,
                              const std::vector<crypto::Signer>& signers, const layer::Progress& progress);

}  // namespace veneer::core
