// Where in the image the bytes of a file lie.
#pragma once

#include <cstdint>

#include "fs/base/error.h"
#include "fs/erofs/inode.h"
#include "fs/io/block_source.h"

namespace veneer::erofs {

// Checks that what `inode` (with data, size not 0) says about the place of its data lies within an image of
// `image_size` bytes: its blocks, its inline tail (within one block), or its chunk table. kCorrupt if not.
Status CheckDataPlacement(const Inode& inode, uint64_t image_size);

// Where the chunk table of a chunk-based inode is, in bytes of the image.
uint64_t ChunkTableOffset(const Inode& inode);
uint64_t ChunkTableSize(const Inode& inode);

// Bytes [begin, end) of a file, which lie in one piece.
struct Extent {
  enum class Kind {
    kData,  // at image_offset, content
    kTail,  // at image_offset, within one block of metadata
    kHole,  // nowhere: zeros
  };
  Kind kind = Kind::kHole;
  uint64_t begin = 0;
  uint64_t end = 0;
  uint64_t image_offset = 0;

  uint64_t size() const { return end - begin; }
};

// Finds the extents of one inode that ReadInode gave. Keeps the block of the chunk table that it read last,
// so going through a file reads each once. One thread at a time; source and inode must outlive it.
class DataMap {
 public:
  DataMap(const io::BlockSource& source, const Inode& inode) : source_(source), inode_(inode) {}

  // The longest extent that starts at byte `offset` of the file and ends at byte `limit` at most; chunks that
  // lie one behind the other, and holes, are one extent. offset < limit <= size. kCorrupt if a chunk lies
  // outside the image; errors of the source. What fails behind the first chunk only ends the extent.
  Result<Extent> At(uint64_t offset, uint64_t limit);

 private:
  Extent FlatAt(uint64_t offset, uint64_t limit) const;
  Result<Extent> ChunksAt(uint64_t offset, uint64_t limit);
  Result<Extent> ChunkAt(uint64_t offset, uint64_t limit);
  Result<uint32_t> ChunkBlock(uint64_t chunk);

  const io::BlockSource& source_;
  const Inode& inode_;
  io::BlockRef table_;
  uint64_t table_block_ = 0;  // which one table_ is
};

}  // namespace veneer::erofs
