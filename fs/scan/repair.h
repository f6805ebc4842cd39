// Mending a layer file in place, from what the layers of a store still have.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "fs/base/error.h"
#include "fs/io/disk.h"
#include "fs/layer/progress.h"
#include "fs/scan/block_search.h"
#include "fs/scan/scan.h"
#include "fs/verity/verified_reader.h"

namespace veneer::scan {

struct Repair {
  LayerScan scan;                          // every block that was found damaged
  std::map<uint64_t, std::string> mended;  // those that are good now, and the layer that each came from
  Status failure;                          // what went wrong beside blocks of which no good copy was found

  bool IsWhole() const { return mended.size() == scan.findings.size(); }
};

// What two repairs of a layer, one after the other, came to together.
Repair Together(Repair first, Repair again);

// Scans the layer of `reader` and mends what is damaged. A block comes from the first of `donors` that has
// one with its signed digest; the first donor is the layer itself, from which hash blocks are also worked out
// again. What a mended hash block brings to light is mended in turn.
//
// Each block is written in place by `disk` through `fd`, which is the very file that `reader` reads, open for
// writing; just before, its bytes, in private memory, are checked against the digest that the layer's
// signature vouches for. Nothing else is ever written, in no order that matters, so a crash leaves each block
// as it was, good, or of both a part: never worse than damaged. All is synced, and read
// again from the device, before this returns. Who reads
// the file meanwhile has to verify what he reads. Nobody else should be changing it.
//
// kInterrupted, kIo and kNoSpace where nothing was done yet; afterwards they are the `failure`, and what was
// mended until then is. As ScanReader.
Result<Repair> RepairLayer(const std::shared_ptr<const verity::VerifiedReader>& reader,
                           const std::vector<Donor>& donors, io::Disk& disk, int fd,
                           const layer::Progress& progress);

}  // namespace veneer::scan
