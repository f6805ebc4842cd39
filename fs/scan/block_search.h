// Finding blocks of known digests in layer files.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "fs/base/bytes.h"
#include "fs/base/error.h"
#include "fs/io/block_source.h"
#include "fs/io/random_access_file.h"
#include "fs/verity/verified_reader.h"

namespace veneer::scan {

// A layer file that may hold good copies of blocks. Nothing of it is taken on trust, its layout neither.
struct Donor {
  struct Blocks {
    std::shared_ptr<const io::RandomAccessFile> file;
    verity::Layout layout;
  };
  std::string id;
  std::function<Result<Blocks>()> open;  // one that fails is passed over
};

// Told of a block once it is found. Its digest was worked out from `block` itself, in private memory.
using FoundBlock = std::function<void(const Digest& digest, const io::BlockData& block, const Donor& donor)>;

// Looks for the blocks of `wanted` in image and hash tree of each donor, in that order, with all cores, until
// all are found. The hash tree of a donor, damaged or not, says where to look: 1/128 of the image is read,
// and the blocks that are wanted. `found` is called once for each digest that is found, and never twice at
// once. Donors that cannot be read are passed over. kInterrupted.
Status FindBlocks(const std::vector<Donor>& donors, const std::set<Digest>& wanted, const FoundBlock& found);

}  // namespace veneer::scan
