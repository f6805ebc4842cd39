#include "fs/verity/geometry.h"

#include "fs/base/bytes.h"

namespace veneer::verity {
namespace {

constexpr uint64_t kMaxDataBlocks = uint64_t{1} << 40;

}  // namespace

Result<Geometry> Geometry::For(uint64_t data_blocks) {
  if (data_blocks == 0 || data_blocks > kMaxDataBlocks) {
    return Fail(ErrorCode::kUnsupported, "no hash tree over {} blocks: 1 to {} are possible", data_blocks,
                kMaxDataBlocks);
  }
  Geometry geometry;
  geometry.data_blocks_ = data_blocks;
  for (uint64_t below = data_blocks; below > 1;) {
    below = (below + kDigestsPerBlock - 1) / kDigestsPerBlock;
    geometry.levels_.push_back({0, below});
  }
  uint64_t next = 1;  // behind the superblock
  for (auto level = geometry.levels_.rbegin(); level != geometry.levels_.rend(); ++level) {
    level->first_block = next;
    next += level->block_count;
  }
  geometry.tree_blocks_ = next;
  return geometry;
}

Geometry::Position Geometry::PositionOf(uint64_t tree_block) const {
  size_t level = 0;
  while (tree_block < levels_[level].first_block) ++level;  // the root's comes first, the leaves' last
  return {level, tree_block - levels_[level].first_block};
}

uint64_t Geometry::tree_bytes() const {
  return tree_blocks_ * kBlockSize;
}

}  // namespace veneer::verity
