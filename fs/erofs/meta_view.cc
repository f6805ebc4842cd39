#include "fs/erofs/meta_view.h"

#include <algorithm>

namespace veneer::erofs {

Result<MetaView> MetaView::Read(const io::BlockSource& source, uint64_t offset, uint64_t length) {
  if (!InBounds(offset, length, source.size()))
    return Fail(ErrorCode::kCorrupt, "{} bytes of metadata at byte {} reach beyond the image", length,
                offset);
  MetaView view;
  if (offset % kBlockSize + length <= kBlockSize) {
    if (length == 0) return view;
    VENEER_ASSIGN(view.block_, source.Block(offset / kBlockSize));
    view.offset_ = offset % kBlockSize;
    view.length_ = length;
    return view;
  }
  view.copy_.reserve(length);
  while (view.copy_.size() < length) {
    const uint64_t at = offset + view.copy_.size();
    VENEER_ASSIGN(const io::BlockRef block, source.Block(at / kBlockSize));
    const ByteSpan rest = ByteSpan(*block).subspan(at % kBlockSize);
    const ByteSpan part = rest.first(std::min<uint64_t>(rest.size(), length - view.copy_.size()));
    view.copy_.insert(view.copy_.end(), part.begin(), part.end());
  }
  return view;
}

}  // namespace veneer::erofs
