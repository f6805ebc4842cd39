#include "fs/io/block_source.h"

#include <algorithm>

namespace veneer::io {

MemoryBlockSource::MemoryBlockSource(Bytes bytes) : bytes_(std::move(bytes)) {
  bytes_.resize(BlocksFor(bytes_.size()) * kBlockSize);
}

Result<BlockRef> MemoryBlockSource::Block(uint64_t block) const {
  const auto offset = CheckedMul(block, kBlockSize);
  auto data = std::make_shared<BlockData>();
  if (!offset) return Fail(ErrorCode::kCorrupt, "block {} lies beyond the image", block);
  VENEER_TRY(Read(*offset, *data));
  return BlockRef(std::move(data));
}

Status MemoryBlockSource::Read(uint64_t offset, MutableByteSpan out) const {
  if (!InBounds(offset, out.size(), bytes_.size())) {
    return Fail(ErrorCode::kCorrupt, "bytes {} to {} lie beyond the image", offset, offset + out.size());
  }
  std::copy_n(bytes_.begin() + static_cast<ptrdiff_t>(offset), out.size(), out.begin());
  return {};
}

}  // namespace veneer::io
