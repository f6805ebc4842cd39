// Working damaged hash blocks out from what lies below them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

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

// A hash block that is in place, or would be.
struct HashBlock {
  verity::Geometry::Position position;
  Digest digest;  // the signed one
};

// Works hash blocks of one layer out, in two steps: Try takes what costs next to nothing, Settle what is
// hard, and of that the cheapest first. So whoever damages blocks for the purpose keeps from being mended
// only those that are as hard as his own, and nothing that is to be had elsewhere between the two steps. For
// one thread.
class WorkOut {
 public:
  using Found = std::function<void(const HashBlock& block, const io::BlockData& data)>;
  using StillWanted = std::function<bool(const HashBlock& block)>;

  WorkOut(const verity::VerifiedReader& reader, Effort effort) : reader_(reader), effort_(effort) {}

  // The hash block made of the digests of what is below it as it is, if that is right. Otherwise nothing, and
  // it is left for Settle. kInterrupted.
  Result<std::optional<io::BlockData>> Try(const HashBlock& block);

  // Of those that are left and still wanted, calls `found` for each that can be had. Where few of the digests
  // that were made differ from what the damaged block itself still says, it may be either of the two that is
  // right: all the ways are tried, so that damage below a damaged hash block is no hindrance as long as it
  // does not hit both. Where that does not do, one above other hash blocks is made of the image, likewise.
  // What would take more than is left of the effort is not done. Nothing is left then. kInterrupted.
  Status Settle(const StillWanted& wanted, const Found& found);

  const Effort& effort() const { return effort_; }

 private:
  // Where a damaged block says something else than was made of what is below it.
  struct Doubt {
    HashBlock block;
    std::vector<std::pair<uint8_t, Digest>> made;  // which digest in it, and what was made; none: too many
  };
  struct Made {
    bool right = false;
    io::BlockData data;
    Doubt doubt;  // unless it is right
  };

  Result<Made> MakeAndCompare(const HashBlock& block, bool from_image) const;
  Result<std::vector<Doubt>> SettleEach(std::vector<Doubt> doubts, const Found& found);
  Result<std::optional<io::BlockData>> TryWays(const Doubt& doubt);
  bool MayReadImage(verity::Geometry::Position position);

  Result<io::BlockData> Make(verity::Geometry::Position position, bool from_image, unsigned threads) const;
  std::optional<io::BlockData> Read(uint64_t file_block) const;
  std::optional<io::BlockData> ReadTree(verity::Geometry::Position position) const;

  const verity::VerifiedReader& reader_;
  Effort effort_;
  std::vector<Doubt> doubts_;
};

}  // namespace veneer::scan
