// Reading every block of a layer and checking it against the signed tree, with all cores.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "fs/base/error.h"
#include "fs/layer/layer.h"
#include "fs/layer/progress.h"

namespace veneer::scan {

// A block that is not what was signed.
struct Finding {
  uint64_t block = 0;  // of 4096 bytes, counted in the layer file
  std::string
      kind;  // "data": a block of the image; "tree": a hash block; what lies below it cannot be checked
  std::vector<std::string> paths;  // that have a part of their content, metadata or listing in it
};

struct LayerScan {
  uint64_t blocks = 0;  // of the image that were checked; hash blocks are read on the way
  uint64_t bytes = 0;
  std::vector<Finding> findings;  // by block
};

// Checks every block of `reader`. It should have a block cache of its own, so that hash blocks come from the
// device and not from the memory of a mount. Blocks that the device cannot read count as damage. `image` is
// over the same reader and names the paths; null where it cannot be opened, so that a layer whose superblock
// is damaged can be scanned too. `progress` gets the stage "checking". kInterrupted, as ParallelFor.
Result<LayerScan> ScanBlocks(const verity::VerifiedReader& reader, const erofs::Image* image,
                             const layer::Progress& progress);

// Likewise, of a layer whose image may not open.
Result<LayerScan> ScanReader(const std::shared_ptr<const verity::VerifiedReader>& reader,
                             const layer::Progress& progress);

inline Result<LayerScan> ScanLayer(const layer::Layer& layer, const layer::Progress& progress) {
  return ScanBlocks(layer.reader(), &layer.image(), progress);
}

}  // namespace veneer::scan
