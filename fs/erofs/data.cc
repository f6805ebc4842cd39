// What a file holds: Image::ReadData and NextData.
#include <algorithm>

#include "fs/erofs/data_map.h"
#include "fs/erofs/image.h"

namespace veneer::erofs {
namespace {

Status ReadExtent(const io::BlockSource& source, const Extent& extent, MutableByteSpan out) {
  if (extent.kind == Extent::Kind::kData) return source.Read(extent.image_offset, out);
  if (extent.kind == Extent::Kind::kHole) {
    std::fill(out.begin(), out.end(), uint8_t{0});
    return {};
  }
  // The inode that was just read is most likely in the same block, so the source still has it.
  VENEER_ASSIGN(const io::BlockRef block, source.Block(extent.image_offset / kBlockSize));
  const ByteSpan tail = ByteSpan(*block).subspan(extent.image_offset % kBlockSize, out.size());
  std::copy(tail.begin(), tail.end(), out.begin());
  return {};
}

}  // namespace

Status Image::ReadData(const Inode& inode, uint64_t offset, MutableByteSpan out) const {
  if (!inode.HasData() || !InBounds(offset, out.size(), inode.size)) {
    return Fail(ErrorCode::kUsage, "inode {}: {} bytes from byte {} are not within its data", inode.nid,
                out.size(), offset);
  }
  DataMap map(*source_, inode);
  while (!out.empty()) {
    VENEER_ASSIGN(const Extent extent, map.At(offset, offset + out.size()));
    VENEER_TRY(ReadExtent(*source_, extent, out.first(extent.size())));
    out = out.subspan(extent.size());
    offset = extent.end;
  }
  return {};
}

Result<std::optional<DataRange>> Image::NextData(const Inode& inode, uint64_t offset) const {
  std::optional<DataRange> range;
  if (!inode.HasData()) return range;
  DataMap map(*source_, inode);
  while (offset < inode.size) {
    VENEER_ASSIGN(const Extent extent, map.At(offset, inode.size));
    offset = extent.end;
    if (extent.kind == Extent::Kind::kHole) {
      if (range) break;
    } else if (range) {
      range->end = extent.end;
    } else {
      range = DataRange{extent.begin, extent.end};
    }
  }
  return range;
}

}  // namespace veneer::erofs
