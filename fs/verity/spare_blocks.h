// Copies of a file's blocks, for a reader whose device fails it.
#pragma once

#include <cstdint>

#include "fs/base/error.h"
#include "fs/io/block_source.h"

namespace veneer::verity {

// Nobody need trust what it holds: a reader verifies it as it verifies what the device has. Blocks are named
// as in BlockCache, by the owner and their place in the file. Safe from several threads.
class SpareBlocks {
 public:
  virtual ~SpareBlocks() = default;

  // Fills `out` with the copy of a block; false, and `out` as it was, if there is none.
  virtual bool Find(uint32_t owner, uint64_t block, io::BlockData& out) = 0;

  // A block as it should be, which may be kept.
  virtual void Offer(uint32_t owner, uint64_t block, const io::BlockData& data) = 0;

  // A copy is used, since the device does not have the block: `why`, which names it. The reader goes on as if
  // nothing had happened, so this is where it is heard of.
  virtual void StoodIn(uint32_t owner, const Error& why) = 0;
};

}  // namespace veneer::verity
