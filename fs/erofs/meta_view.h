// A few bytes of metadata, wherever they lie in the image's blocks.
#pragma once

#include <cstdint>

#include "fs/base/bytes.h"
#include "fs/base/error.h"
#include "fs/io/block_source.h"

namespace veneer::erofs {

// Holds the block that the bytes are in, or a copy of them where they cross from one block to another.
class MetaView {
 public:
  // Bytes [offset, offset + length) of the image, by BlockSource::Block. `length` must have a bound, as it
  // may be allocated. kCorrupt if they reach beyond the image; errors of the source.
  static Result<MetaView> Read(const io::BlockSource& source, uint64_t offset, uint64_t length);

  ByteSpan bytes() const {
    return block_ != nullptr ? ByteSpan(*block_).subspan(offset_, length_) : ByteSpan(copy_);
  }

 private:
  MetaView() = default;

  io::BlockRef block_;
  size_t offset_ = 0;
  size_t length_ = 0;
  Bytes copy_;
};

}  // namespace veneer::erofs
