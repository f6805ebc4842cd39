// Checking the blocks of a layer and telling what is damaged.
#pragma once

#include <memory>

#include "fs/base/error.h"
#include "fs/verity/verified_reader.h"
#include "tools/command.h"
#include "tools/output.h"

namespace veneer::tools {

// Checks every block of `reader` with all cores and puts the result into `output`, a line for each run of
// damaged blocks with the paths that it touches. kDamaged, naming paths, if there is any; kInterrupted.
Status ShowBlockCheck(const std::shared_ptr<const verity::VerifiedReader>& reader, const Globals& globals,
                      Output& output);

}  // namespace veneer::tools
