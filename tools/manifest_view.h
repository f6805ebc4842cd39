// Showing what a layer file claims and who vouches for it.
#pragma once

#include "tools/layer_file.h"
#include "tools/output.h"

namespace veneer::tools {

// Puts layer id, judgement, signers, sizes and manifest of `file` into `output`. `trust` is what judged it;
// null if nothing did.
void ShowManifest(const io::PosixFile& file, const JudgedManifest& judged, const crypto::TrustStore* trust,
                  Output& output);

}  // namespace veneer::tools
