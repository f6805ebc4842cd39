// Where a file-system image's blocks come from: a verified layer, or plain bytes in a test.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "fs/base/bytes.h"
#include "fs/base/error.h"

namespace veneer::io {

using BlockData = std::array<uint8_t, kBlockSize>;

// One block in private memory; it stays valid for as long as the reference is held, whatever a cache does.
using BlockRef = std::shared_ptr<const BlockData>;

// An image as a run of blocks of 4096 bytes. All methods are safe from several threads at once. What they
// return has passed whatever check the source makes; a block that fails it is an error of kCorrupt and never
// handed out.
class BlockSource {
 public:
  virtual ~BlockSource() = default;

  // Size of the image in bytes, a multiple of kBlockSize.
  virtual uint64_t size() const = 0;

  // Block `block`, for metadata that is read again and again: a source may keep it. kCorrupt beyond the end.
  virtual Result<BlockRef> Block(uint64_t block) const = 0;

  // Fills `out` from byte `offset` of the image, for file content: nothing is kept. kCorrupt beyond the end.
  virtual Status Read(uint64_t offset, MutableByteSpan out) const = 0;
};

// A source that checks nothing, over bytes in memory. For tests and fuzzing.
class MemoryBlockSource final : public BlockSource {
 public:
  // A last partial block is padded with zeros.
  explicit MemoryBlockSource(Bytes bytes);

  uint64_t size() const override { return bytes_.size(); }
  Result<BlockRef> Block(uint64_t block) const override;
  Status Read(uint64_t offset, MutableByteSpan out) const override;

 private:
  Bytes bytes_;
};

}  // namespace veneer::io
