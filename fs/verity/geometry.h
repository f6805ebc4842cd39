// Where the hash blocks of a dm-verity tree are: pure arithmetic.
//
// Version 1, SHA-256, blocks of 4096 bytes, empty salt: a hash block holds 128 digests. Behind the superblock
// (one block) the levels follow each other from the root's down to the leaves'. A one-block image has no hash
// block: its root hash is the digest of the block itself. Specification: Linux
// Documentation/admin-guide/device-mapper/verity.rst.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "fs/base/error.h"

namespace veneer::verity {

inline constexpr uint64_t kDigestsPerBlock = 128;

struct Level {
  uint64_t first_block = 0;  // counted in blocks from the superblock, which is block 0
  uint64_t block_count = 0;
};

class Geometry {
 public:
  // kUnsupported for 0 blocks and for more than 2^40 (4 PiB).
  static Result<Geometry> For(uint64_t data_blocks);

  uint64_t data_blocks() const { return data_blocks_; }

  // Index 0 is the leaves' level; the last is the root's, of one block. Empty for an image of one block.
  const std::vector<Level>& levels() const { return levels_; }

  // A hash block by its level and its place in it, from 0 on. Below hash block {l, i} lie the blocks i * 128
  // to i * 128 + 127 of level l - 1, or of the image where l is 0.
  struct Position {
    size_t level = 0;
    uint64_t index = 0;
    bool operator==(const Position&) const = default;
  };

  // Where hash block `tree_block`, 1 to tree_blocks() - 1 counted from the superblock, stands; and back.
  Position PositionOf(uint64_t tree_block) const;
  uint64_t TreeBlock(Position position) const { return levels_[position.level].first_block + position.index; }

  // Blocks of what lies below `level`.
  uint64_t BlocksBelow(size_t level) const {
    return level == 0 ? data_blocks_ : levels_[level - 1].block_count;
  }

  // Superblock and hash blocks together, in blocks of 4096 bytes.
  uint64_t tree_blocks() const { return tree_blocks_; }
  uint64_t tree_bytes() const;

 private:
  uint64_t data_blocks_ = 0;
  uint64_t tree_blocks_ = 0;
  std::vector<Level> levels_;
};

}  // namespace veneer::verity
