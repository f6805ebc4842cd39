// Working out a damaged hash block from what lies below it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "fs/base/bytes.h"
#include "fs/base/error.h"
#include "fs/io/block_source.h"
#include "fs/verity/geometry.h"
#include "fs/verity/verified_reader.h"

namespace veneer::scan {

// How much is tried where digests are in doubt.
struct Tries {
  size_t most_doubtful = 0;  // entries of one hash block; with n of them there are 2^n ways
  uint64_t left = 0;         // ways, for all blocks together; each costs a hash, about 3 µs
};

// The block at `position` of the reader's hash tree whose digest is `expected`; nothing if it cannot be had.
// It is made of the digests of the hash blocks below it as they are, or else as they are when they are worked
// out from the image in turn. Where few of these differ from what the damaged block itself still says, it may
// be either of the two that is right: all the ways are tried, so that damage below a damaged hash block is no
// hindrance as long as it does not hit both; `tries` bounds them, and is counted down. kInterrupted.
Result<std::optional<io::BlockData>> RebuildHashBlock(const verity::VerifiedReader& reader,
                                                      verity::Geometry::Position position,
                                                      const Digest& expected, Tries& tries);

}  // namespace veneer::scan
