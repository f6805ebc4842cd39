#include "fs/verity/tree_builder.h"

#include <algorithm>
#include <memory>

#include "fs/base/parallel.h"
#include "fs/crypto/sha256.h"
#include "fs/verity/geometry.h"

namespace veneer::verity {
namespace {

// What one worker reads and hashes at a time: 1 MiB, which fills two leaf hash blocks, so that no two workers
// write to the same one.
constexpr uint64_t kBlocksPerChunk = 2 * kDigestsPerBlock;

// Writes the digests of the whole blocks in `data`, one behind the other, from `out` on.
void HashBlocks(ByteSpan data, uint8_t* out) {
  for (size_t at = 0; at < data.size(); at += kBlockSize) {
    const Digest digest = crypto::Sha256(data.subspan(at, kBlockSize));
    out = std::copy(digest.begin(), digest.end(), out);
  }
}

// Calls `work(first, count)` for runs of at most kBlocksPerChunk blocks that cover [0, blocks), on all cores.
template <typename Work>
Status ForChunks(uint64_t blocks, const Work& work) {
  const uint64_t chunks = (blocks + kBlocksPerChunk - 1) / kBlocksPerChunk;
  return ParallelFor(chunks, [&](uint64_t chunk) -> Status {
    const uint64_t first = chunk * kBlocksPerChunk;
    return work(first, std::min(kBlocksPerChunk, blocks - first));
  });
}

Status HashImage(const io::RandomAccessFile& image, uint64_t blocks, uint8_t* out) {
  return ForChunks(blocks, [&](uint64_t first, uint64_t count) -> Status {
    const size_t size = count * kBlockSize;
    const auto buffer = std::make_unique_for_overwrite<uint8_t[]>(size);
    VENEER_TRY(image.ReadExact(first * kBlockSize, {buffer.get(), size}));
    HashBlocks({buffer.get(), size}, out + first * sizeof(Digest));
    return {};
  });
}

Status HashLevel(ByteSpan below, uint8_t* out) {
  return ForChunks(below.size() / kBlockSize, [&](uint64_t first, uint64_t count) -> Status {
    HashBlocks(below.subspan(first * kBlockSize, count * kBlockSize), out + first * sizeof(Digest));
    return {};
  });
}

}  // namespace

Result<Tree> BuildTree(const io::RandomAccessFile& image, uint64_t image_size, const format::Uuid& uuid) {
  if (image_size == 0 || image_size % kBlockSize != 0 || image_size > image.size()) {
    return Fail(ErrorCode::kUsage,
                "{}: no hash tree over {} bytes of a file of {}: whole blocks of {} are needed", image.name(),
                image_size, image.size(), kBlockSize);
  }
  VENEER_ASSIGN(const Geometry geometry, Geometry::For(image_size / kBlockSize));
  Tree tree;
  tree.bytes.resize(geometry.tree_bytes());
  const auto superblock = format::EncodeVeritySuperblock(geometry.data_blocks(), uuid);
  std::copy(superblock.begin(), superblock.end(), tree.bytes.begin());

  const auto level_bytes = [&](const Level& level) {
    return MutableByteSpan(tree.bytes)
        .subspan(level.first_block * kBlockSize, level.block_count * kBlockSize);
  };
  if (geometry.levels().empty()) {
    VENEER_TRY(HashImage(image, 1, tree.root_hash.data()));
    return tree;
  }
  MutableByteSpan below = level_bytes(geometry.levels().front());
  VENEER_TRY(HashImage(image, geometry.data_blocks(), below.data()));
  for (size_t i = 1; i < geometry.levels().size(); ++i) {
    const MutableByteSpan level = level_bytes(geometry.levels()[i]);
    VENEER_TRY(HashLevel(below, level.data()));
    below = level;
  }
  tree.root_hash = crypto::Sha256(below);
  return tree;
}

}  // namespace veneer::verity
