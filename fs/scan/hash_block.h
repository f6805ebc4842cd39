// Working out a damaged hash block from what lies below it.
#pragma once

#include <cstdint>
#include <optional>

#include "fs/base/bytes.h"
#include "fs/base/error.h"
#include "fs/io/block_source.h"
#include "fs/verity/geometry.h"
#include "fs/verity/verified_reader.h"

namespace veneer::scan {

// How much may still be done to work hash blocks out, for all of them together.
struct Effort {
  uint64_t ways = 0;    // of digests in doubt that are tried; each costs a hash, about 3 µs
  uint64_t blocks = 0;  // of the image that are read for hash blocks above other hash blocks
};

// The block at `position` of the reader's hash tree whose digest is `expected`; nothing if it cannot be had.
// It is made of the digests of the hash blocks below it as they are, or else as they are when they are worked
// out from the image in turn. Where few of these differ from what the damaged block itself still says, it may
// be either of the two that is right: all the ways are tried, so that damage below a damaged hash block is no
// hindrance as long as it does not hit both. What would take more than is left of `effort`, which is counted
// down, is not done. kInterrupted.
Result<std::optional<io::BlockData>> RebuildHashBlock(const verity::VerifiedReader& reader,
                                                      verity::Geometry::Position position,
                                                      const Digest& expected, Effort& effort);

}  // namespace veneer::scan
