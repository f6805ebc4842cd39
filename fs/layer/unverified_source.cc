#include "fs/layer/unverified_source.h"

namespace veneer::layer {

Result<io::BlockRef> UnverifiedSource::Block(uint64_t block) const {
  const auto offset = CheckedMul(block, kBlockSize);
  auto data = std::make_shared<io::BlockData>();
  VENEER_TRY(Read(offset.value_or(UINT64_MAX), *data));
  return data;
}

Status UnverifiedSource::Read(uint64_t offset, MutableByteSpan out) const {
  if (!InBounds(offset, out.size(), size_)) {
    return Fail(ErrorCode::kCorrupt, "{}: {} bytes at byte {} lie beyond the image", file_->name(),
                out.size(), offset);
  }
  return file_->ReadExact(offset, out);
}

}  // namespace veneer::layer
