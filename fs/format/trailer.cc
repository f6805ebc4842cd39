#include "fs/format/trailer.h"

#include <cstring>

namespace veneer::format {
namespace {

// Whether `trailer`'s parts follow each other from byte 0 up to the trailer itself.
bool PartsFillFile(const Trailer& trailer, uint64_t image_offset, uint64_t file_size) {
  const auto tree_end = CheckedAdd(trailer.tree_offset, trailer.tree_size);
  const auto cms_end = CheckedAdd(trailer.cms_offset, trailer.cms_size);
  return image_offset == 0 && trailer.image_size > 0 && trailer.image_size % kBlockSize == 0 &&
         trailer.tree_offset == trailer.image_size && trailer.tree_size > 0 &&
         trailer.tree_size % kBlockSize == 0 && tree_end == trailer.cms_offset && trailer.cms_size > 0 &&
         trailer.cms_size <= kMaxCmsSize && cms_end == file_size - sizeof(RawTrailer);
}

}  // namespace

std::array<uint8_t, sizeof(RawTrailer)> EncodeTrailer(const Trailer& trailer) {
  RawTrailer raw{};
  raw.magic = kTrailerMagic;
  raw.major = kTrailerMajor;
  raw.minor = kTrailerMinor;
  raw.oldest_readable_minor = uint16_t{0};
  raw.size = static_cast<uint16_t>(sizeof(RawTrailer));
  raw.image_size = trailer.image_size;
  raw.tree_offset = trailer.tree_offset;
  raw.tree_size = trailer.tree_size;
  raw.cms_offset = trailer.cms_offset;
  raw.cms_size = trailer.cms_size;
  raw.end_magic = kTrailerEndMagic;
  std::array<uint8_t, sizeof(RawTrailer)> bytes{};
  std::memcpy(bytes.data(), &raw, sizeof raw);
  return bytes;
}

Result<Trailer> DecodeTrailer(ByteSpan bytes, uint64_t file_size) {
  RawTrailer raw{};
  if (bytes.size() != sizeof raw || file_size < sizeof raw)
    return Fail(ErrorCode::kCorrupt, "too short for a layer");
  std::memcpy(&raw, bytes.data(), sizeof raw);
  if (raw.magic != kTrailerMagic || raw.end_magic != kTrailerEndMagic) {
    return Fail(ErrorCode::kCorrupt, "not a layer file, or cut short: no trailer at its end");
  }
  if (raw.major != kTrailerMajor || raw.oldest_readable_minor > kTrailerMinor) {
    return Fail(ErrorCode::kUnsupported, "layer format {}.{} is not one that this program reads ({}.{})",
                uint16_t{raw.major}, uint16_t{raw.minor}, kTrailerMajor, kTrailerMinor);
  }
  if (raw.size != sizeof raw)
    return Fail(ErrorCode::kCorrupt, "trailer says that it has {} bytes", uint16_t{raw.size});
  for (uint8_t byte : raw.reserved) {
    if (byte != 0) return Fail(ErrorCode::kCorrupt, "trailer has reserved bytes that are not zero");
  }
  const Trailer trailer{raw.image_size, raw.tree_offset, raw.tree_size, raw.cms_offset, raw.cms_size};
  if (!PartsFillFile(trailer, raw.image_offset, file_size)) {
    return Fail(ErrorCode::kCorrupt, "trailer and file size of {} bytes contradict each other", file_size);
  }
  return trailer;
}

}  // namespace veneer::format
