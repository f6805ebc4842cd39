#include "fs/erofs/dir_block.h"

#include <dirent.h>

#include <cstring>

#include "fs/format/erofs_fs.h"

namespace veneer::erofs {
namespace {

constexpr size_t kDirentSize = sizeof(format::RawErofsDirent);

format::RawErofsDirent DirentAt(ByteSpan bytes, size_t index) {
  format::RawErofsDirent raw{};
  std::memcpy(&raw, bytes.data() + index * kDirentSize, sizeof raw);
  return raw;
}

uint8_t DirentType(uint8_t type) {
  switch (type) {
    case format::kErofsTypeRegular:
      return DT_REG;
    case format::kErofsTypeFolder:
      return DT_DIR;
    case format::kErofsTypeCharDevice:
      return DT_CHR;
    case format::kErofsTypeBlockDevice:
      return DT_BLK;
    case format::kErofsTypeFifo:
      return DT_FIFO;
    case format::kErofsTypeSocket:
      return DT_SOCK;
    case format::kErofsTypeSymlink:
      return DT_LNK;
    default:
      return DT_UNKNOWN;
  }
}

}  // namespace

Result<DirBlock> DirBlock::Decode(ByteSpan bytes) {
  if (bytes.size() < kDirentSize || bytes.size() > kBlockSize)
    return Fail(ErrorCode::kCorrupt, "a block of {} bytes holds no entry", bytes.size());
  const size_t names = DirentAt(bytes, 0).name_offset;
  if (names < kDirentSize || names % kDirentSize != 0 || names >= bytes.size())
    return Fail(ErrorCode::kCorrupt, "the first name is at byte {} of {}", names, bytes.size());
  return DirBlock(bytes, static_cast<uint16_t>(names / kDirentSize));
}

Result<DirBlock::Entry> DirBlock::At(uint16_t index) const {
  const format::RawErofsDirent raw = DirentAt(bytes_, index);
  const size_t begin = raw.name_offset;
  const bool last = index + 1 == size_;
  const size_t end = last ? bytes_.size() : size_t{DirentAt(bytes_, index + 1U).name_offset};
  if (begin < size_ * kDirentSize || begin > end || end > bytes_.size())
    return Fail(ErrorCode::kCorrupt, "the name of entry {} is at bytes {} to {}", index, begin, end);
  std::string_view name = AsText(bytes_.subspan(begin, end - begin));
  // The last name ends with the block, or at the first NUL.
  if (last) name = name.substr(0, name.find('\0'));
  if (name.empty() || name.size() > format::kErofsMaxName)
    return Fail(ErrorCode::kCorrupt, "the name of entry {} has {} bytes", index, name.size());
  if (std::memchr(name.data(), '/', name.size()) != nullptr ||
      std::memchr(name.data(), '\0', name.size()) != nullptr)
    return Fail(ErrorCode::kCorrupt, "the name of entry {} holds a slash or a NUL", index);
  return Entry{name, raw.nid, DirentType(raw.type)};
}

Result<uint16_t> DirBlock::LowerBound(std::string_view name) const {
  uint16_t low = 0;
  uint16_t high = size_;
  while (low < high) {
    const auto middle = static_cast<uint16_t>(low + (high - low) / 2);
    VENEER_ASSIGN(const Entry entry, At(middle));
    if (entry.name < name) {
      low = static_cast<uint16_t>(middle + 1);
    } else {
      high = middle;
    }
  }
  return low;
}

}  // namespace veneer::erofs
