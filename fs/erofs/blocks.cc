// From an inode to the blocks of the image that it lives in: Image::BlocksOf and BlockOfInode.
#include <algorithm>

#include "fs/erofs/data_map.h"
#include "fs/erofs/image.h"
#include "fs/erofs/xattr_cursor.h"

namespace veneer::erofs {
namespace {

using Ranges = std::vector<BlockRange>;

void Add(Ranges& ranges, uint64_t offset, uint64_t size) {
  if (size != 0) ranges.push_back({offset / kBlockSize, BlocksFor(offset + size)});
}

// What is read on the way may be the damage that is being looked for. Then its own place is what counts, and
// where it would have led stays unknown; other errors end the search.
Status UnlessCorrupt(const Error& error) {
  if (error.code() == ErrorCode::kCorrupt) return {};
  return tl::unexpected<Error>(error);
}

Status AddXattrs(const io::BlockSource& source, const Inode& inode, uint64_t xattr_offset, Ranges& ranges) {
  auto xattrs = XattrCursor::Open(source, inode, xattr_offset);
  if (!xattrs) return UnlessCorrupt(xattrs.error());
  for (;;) {
    const auto entry = xattrs->Next();
    if (InBounds(xattrs->place().offset, xattrs->place().size, source.size()))
      Add(ranges, xattrs->place().offset, xattrs->place().size);
    if (!entry) {
      VENEER_TRY(UnlessCorrupt(entry.error()));
    } else if (!*entry) {
      return {};
    }
  }
}

Status AddData(const io::BlockSource& source, const Inode& inode, Ranges& ranges) {
  if (inode.layout == DataLayout::kChunked) Add(ranges, ChunkTableOffset(inode), ChunkTableSize(inode));
  DataMap map(source, inode);
  for (uint64_t offset = 0; offset < inode.size;) {
    const auto extent = map.At(offset, inode.size);
    if (!extent) return UnlessCorrupt(extent.error());
    if (extent->kind != Extent::Kind::kHole) Add(ranges, extent->image_offset, extent->size());
    offset = extent->end;
  }
  return {};
}

// Sorts the ranges and joins those that meet.
void Normalize(Ranges& ranges) {
  std::sort(ranges.begin(), ranges.end(),
            [](const BlockRange& a, const BlockRange& b) { return a.begin < b.begin; });
  size_t kept = 0;
  for (const BlockRange& range : ranges) {
    if (kept != 0 && range.begin <= ranges[kept - 1].end) {
      ranges[kept - 1].end = std::max(ranges[kept - 1].end, range.end);
    } else {
      ranges[kept++] = range;
    }
  }
  ranges.resize(kept);
}

}  // namespace

Result<std::vector<BlockRange>> Image::BlocksOf(const Inode& inode) const {
  Ranges ranges;
  Add(ranges, inode.offset, inode.header_size + uint64_t{inode.xattr_size});
  VENEER_TRY(AddXattrs(*source_, inode, super_.xattr_offset, ranges));
  if (inode.HasData()) VENEER_TRY(AddData(*source_, inode, ranges));
  Normalize(ranges);
  return ranges;
}

std::optional<uint64_t> Image::BlockOfInode(Nid nid) const {
  if (!NidInImage(nid)) return std::nullopt;
  return (super_.meta_offset + nid * format::kErofsSlotSize) / kBlockSize;
}

}  // namespace veneer::erofs
