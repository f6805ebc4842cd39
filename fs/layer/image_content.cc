#include "fs/layer/image_content.h"

#include <algorithm>

#include "fs/base/cancel.h"
#include "fs/crypto/sha256.h"

namespace veneer::layer {
namespace {

constexpr uint64_t kReadSize = 1 << 20;  // bytes

}  // namespace

Result<Digest> HashContent(const erofs::Image& image, const erofs::Inode& inode, StageProgress* meter) {
  Bytes buffer(std::min(inode.size, kReadSize));
  crypto::Sha256Hasher hasher;
  for (uint64_t offset = 0; offset < inode.size; offset += buffer.size()) {
    const MutableByteSpan piece =
        MutableByteSpan(buffer).first(std::min<uint64_t>(buffer.size(), inode.size - offset));
    VENEER_TRY(CheckCancel());
    VENEER_TRY(image.ReadData(inode, offset, piece));
    hasher.Update(piece);
    if (meter != nullptr) meter->Add(piece.size());
  }
  return hasher.Finish();
}

}  // namespace veneer::layer
