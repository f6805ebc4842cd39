// Decoding one block of a folder. Pure functions over a span.
#pragma once

#include <cstdint>
#include <string_view>

#include "fs/base/bytes.h"
#include "fs/base/error.h"
#include "fs/erofs/inode.h"

namespace veneer::erofs {

// The entries of one block, read where they are: nothing is copied. Each entry is checked when it is asked
// for, so that a search costs what it looks at.
class DirBlock {
 public:
  // An empty one.
  DirBlock() = default;

  // Over `bytes`, 4096 or (the last block of a folder) fewer, which must outlive it. kCorrupt if its first
  // entry does not say a possible number of entries, which is at least 1.
  static Result<DirBlock> Decode(ByteSpan bytes);

  uint16_t size() const { return size_; }

  struct Entry {
    std::string_view name;  // 1 to 255 bytes, no NUL, no '/'
    Nid nid = 0;
    uint8_t type = 0;  // d_type
  };

  // Entry `index` < size(). kCorrupt if its name reaches outside the block or is not a name.
  Result<Entry> At(uint16_t index) const;

  // The index of the first entry whose name is not less than `name`, or size(). Looks at O(log size) entries.
  // kCorrupt as At. Where the entries are not sorted, the answer means nothing.
  Result<uint16_t> LowerBound(std::string_view name) const;

 private:
  DirBlock(ByteSpan bytes, uint16_t size) : bytes_(bytes), size_(size) {}

  ByteSpan bytes_;
  uint16_t size_ = 0;
};

}  // namespace veneer::erofs
