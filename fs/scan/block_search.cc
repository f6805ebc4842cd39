#include "fs/scan/block_search.h"

#include <algorithm>
#include <mutex>

#include "fs/base/parallel.h"
#include "fs/crypto/sha256.h"
#include "fs/verity/geometry.h"

namespace veneer::scan {
namespace {

class Search {
 public:
  Search(const std::set<Digest>& wanted, const FoundBlock& found) : wanted_(wanted), found_(found) {}

  bool Done() {
    const std::lock_guard lock(mutex_);
    return seen_.size() == wanted_.size();
  }

  Status In(const Donor& donor) {
    const auto blocks = donor.open();
    if (!blocks) return {};
    const verity::Layout& layout = blocks->layout;
    const auto geometry = verity::Geometry::For(layout.image_size / kBlockSize);
    if (!geometry || !InBounds(layout.tree_offset, geometry->tree_bytes(), blocks->file->size())) return {};
    const uint64_t tree = layout.tree_offset / kBlockSize;
    Try(donor, *blocks, layout.root_hash, geometry->levels().empty() ? 0 : tree + 1);
    return ParallelFor(geometry->tree_blocks() - 1, [&](uint64_t i) -> Status {
      if (!Done()) TryChildren(donor, *blocks, *geometry, i + 1);
      return {};
    });
  }

 private:
  // Whatever the hash block `tree_block` of the donor says of the blocks below it.
  void TryChildren(const Donor& donor, const Donor::Blocks& blocks, const verity::Geometry& geometry,
                   uint64_t tree_block) {
    const uint64_t tree = blocks.layout.tree_offset / kBlockSize;
    io::BlockData digests;
    if (!blocks.file->ReadExact((tree + tree_block) * kBlockSize, digests)) return;
    const auto [level, index] = geometry.PositionOf(tree_block);
    const uint64_t first = index * verity::kDigestsPerBlock;
    const uint64_t count = std::min(verity::kDigestsPerBlock, geometry.BlocksBelow(level) - first);
    for (uint64_t i = 0; i < count; ++i) {
      Digest digest;
      std::copy_n(digests.begin() + static_cast<ptrdiff_t>(i * digest.size()), digest.size(), digest.begin());
      const uint64_t child = first + i;
      Try(donor, blocks, digest, level == 0 ? child : tree + geometry.TreeBlock({level - 1, child}));
    }
  }

  // Takes `block` of the donor if it is wanted and is what it is said to be.
  void Try(const Donor& donor, const Donor::Blocks& blocks, const Digest& digest, uint64_t block) {
    if (!wanted_.contains(digest) || Seen(digest)) return;
    io::BlockData data;
    if (!blocks.file->ReadExact(block * kBlockSize, data) || crypto::Sha256(data) != digest) return;
    const std::lock_guard lock(mutex_);
    if (seen_.insert(digest).second) found_(digest, data, donor);
  }

  bool Seen(const Digest& digest) {
    const std::lock_guard lock(mutex_);
    return seen_.contains(digest);
  }

  const std::set<Digest>& wanted_;
  const FoundBlock& found_;
  std::mutex mutex_;
  std::set<Digest> seen_;  // guarded by mutex_
};

}  // namespace

Status FindBlocks(const std::vector<Donor>& donors, const std::set<Digest>& wanted, const FoundBlock& found) {
  Search search(wanted, found);
  for (const Donor& donor : donors) {
    if (search.Done()) return {};
    VENEER_TRY(search.In(donor));
  }
  return {};
}

}  // namespace veneer::scan
