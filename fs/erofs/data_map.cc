#include "fs/erofs/data_map.h"

#include <algorithm>
#include <cstring>

#include "fs/base/bytes.h"
#include "fs/base/endian.h"
#include "fs/format/erofs_fs.h"

namespace veneer::erofs {
namespace {

uint32_t ChunkEntrySize(const Inode& inode) {
  return inode.chunk_indexes ? sizeof(format::RawErofsChunkIndex) : sizeof(Le32);
}

// Where the inline tail starts in the file: it holds the last block, whole or part.
uint64_t TailStart(const Inode& inode) {
  return (BlocksFor(inode.size) - 1) * kBlockSize;
}

// Whether `blocks` blocks from `first` are in the image.
bool BlocksInImage(uint64_t first, uint64_t blocks, uint64_t image_size) {
  return InBounds(first, blocks, image_size / kBlockSize);
}

}  // namespace

uint64_t ChunkTableOffset(const Inode& inode) {
  const uint64_t entry = ChunkEntrySize(inode);
  return (inode.BodyOffset() + entry - 1) / entry * entry;
}

uint64_t ChunkTableSize(const Inode& inode) {
  const uint64_t chunk_size = uint64_t{1} << inode.chunk_bits;
  return (inode.size / chunk_size + (inode.size % chunk_size != 0 ? 1 : 0)) * ChunkEntrySize(inode);
}

Status CheckDataPlacement(const Inode& inode, uint64_t image_size) {
  if (inode.layout == DataLayout::kChunked) {
    if (!InBounds(ChunkTableOffset(inode), ChunkTableSize(inode), image_size))
      return Fail(ErrorCode::kCorrupt, "inode {}: its chunk table reaches beyond the image", inode.nid);
    return {};
  }
  uint64_t blocks = BlocksFor(inode.size);
  if (inode.layout == DataLayout::kInline) {
    const uint64_t tail = inode.size - TailStart(inode);
    if (inode.BodyOffset() % kBlockSize + tail > kBlockSize)
      return Fail(ErrorCode::kCorrupt, "inode {}: its inline data cross a block boundary", inode.nid);
    if (!InBounds(inode.BodyOffset(), tail, image_size))
      return Fail(ErrorCode::kCorrupt, "inode {}: its inline data reach beyond the image", inode.nid);
    --blocks;
  }
  if (blocks != 0 && !BlocksInImage(inode.first_block, blocks, image_size)) {
    return Fail(ErrorCode::kCorrupt, "inode {}: {} blocks of data from block {} reach beyond the image",
                inode.nid, blocks, inode.first_block);
  }
  return {};
}

Result<Extent> DataMap::At(uint64_t offset, uint64_t limit) {
  if (inode_.layout == DataLayout::kChunked) return ChunksAt(offset, limit);
  return FlatAt(offset, limit);
}

Extent DataMap::FlatAt(uint64_t offset, uint64_t limit) const {
  const uint64_t tail = inode_.layout == DataLayout::kInline ? TailStart(inode_) : inode_.size;
  if (offset < tail) {
    return {Extent::Kind::kData, offset, std::min(limit, tail),
            uint64_t{inode_.first_block} * kBlockSize + offset};
  }
  return {Extent::Kind::kTail, offset, limit, inode_.BodyOffset() + (offset - tail)};
}

Result<Extent> DataMap::ChunksAt(uint64_t offset, uint64_t limit) {
  VENEER_ASSIGN(Extent extent, ChunkAt(offset, limit));
  while (extent.end < limit) {
    const auto next = ChunkAt(extent.end, limit);
    if (!next) break;  // for whoever asks for that place
    if (next->kind != extent.kind) break;
    if (next->kind == Extent::Kind::kData && next->image_offset != extent.image_offset + extent.size()) break;
    extent.end = next->end;
  }
  return extent;
}

Result<Extent> DataMap::ChunkAt(uint64_t offset, uint64_t limit) {
  const uint64_t chunk = offset >> inode_.chunk_bits;
  const uint64_t begin = chunk << inode_.chunk_bits;
  const uint64_t end = std::min(inode_.size, begin + (uint64_t{1} << inode_.chunk_bits));
  VENEER_ASSIGN(const uint32_t block, ChunkBlock(chunk));
  if (block == format::kErofsNullBlock) return Extent{Extent::Kind::kHole, offset, std::min(end, limit), 0};
  if (!BlocksInImage(block, BlocksFor(end - begin), source_.size())) {
    return Fail(ErrorCode::kCorrupt, "inode {}: chunk {} at block {} lies outside the image", inode_.nid,
                chunk, block);
  }
  return Extent{Extent::Kind::kData, offset, std::min(end, limit),
                uint64_t{block} * kBlockSize + (offset - begin)};
}

Result<uint32_t> DataMap::ChunkBlock(uint64_t chunk) {
  const uint64_t position = ChunkTableOffset(inode_) + chunk * ChunkEntrySize(inode_);
  const uint64_t block = position / kBlockSize;
  if (table_ == nullptr || block != table_block_) {
    VENEER_ASSIGN(table_, source_.Block(block));
    table_block_ = block;
  }
  // Entries are aligned to their size, so none crosses a block; the block number is the end of either form.
  Le32 number;
  std::memcpy(&number, table_->data() + position % kBlockSize + ChunkEntrySize(inode_) - sizeof number,
              sizeof number);
  return uint32_t{number};
}

}  // namespace veneer::erofs
