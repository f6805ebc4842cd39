#include "tests/erofs/crafted_image.h"

#include <algorithm>

namespace veneer::erofs {

Bytes FolderBytes(const std::vector<CraftedEntry>& entries) {
  Bytes bytes(entries.size() * sizeof(format::RawErofsDirent));
  for (size_t i = 0; i < entries.size(); ++i) {
    format::RawErofsDirent raw{};
    raw.nid = entries[i].nid;
    raw.name_offset = static_cast<uint16_t>(bytes.size());
    raw.type = entries[i].type;
    std::memcpy(bytes.data() + i * sizeof raw, &raw, sizeof raw);
    const ByteSpan name = AsBytes(entries[i].name);
    bytes.insert(bytes.end(), name.begin(), name.end());
  }
  return bytes;
}

Bytes XattrBytes(uint8_t index, std::string_view name, std::string_view value) {
  format::RawErofsXattrEntry raw{};
  raw.name_size = static_cast<uint8_t>(name.size());
  raw.name_index = index;
  raw.value_size = static_cast<uint16_t>(value.size());
  Bytes bytes(sizeof raw);
  std::memcpy(bytes.data(), &raw, sizeof raw);
  bytes.reserve(sizeof raw + name.size() + value.size() + 3);
  bytes.insert(bytes.end(), name.begin(), name.end());
  bytes.insert(bytes.end(), value.begin(), value.end());
  bytes.resize((bytes.size() + 3) / 4 * 4);
  return bytes;
}

CraftedImage::CraftedImage() : bytes(kBlocks * size_t{kBlockSize}) {
  super.magic = format::kErofsMagic;
  super.block_bits = format::kErofsBlockBits;
  super.inode_count = 1U;
  super.build_time = 1'700'000'000U;
  super.build_time_nsec = 5U;
  super.blocks = kBlocks;
  super.meta_block = kMetaBlock;
  super.xattr_block = kXattrBlock;
  PutSuperblock();
  PutRaw(OffsetOf(0), Compact(0040755, 0));
}

void CraftedImage::Put(uint64_t offset, ByteSpan part) {
  std::copy(part.begin(), part.end(), bytes.begin() + static_cast<ptrdiff_t>(offset));
}

format::RawErofsInodeExtended CraftedImage::Extended(uint16_t mode, uint64_t size, uint16_t layout) {
  format::RawErofsInodeExtended raw{};
  raw.format = static_cast<uint16_t>(layout << format::kErofsInodeLayoutShift | format::kErofsInodeExtended);
  raw.mode = mode;
  raw.size = size;
  raw.data = kDataBlock;
  raw.nlink = 1U;
  return raw;
}

format::RawErofsInodeCompact CraftedImage::Compact(uint16_t mode, uint32_t size, uint16_t layout) {
  format::RawErofsInodeCompact raw{};
  raw.format = static_cast<uint16_t>(layout << format::kErofsInodeLayoutShift);
  raw.mode = mode;
  raw.size = size;
  raw.data = kDataBlock;
  raw.nlink = uint16_t{1};
  return raw;
}

void CraftedImage::PutRoot(ByteSpan content) {
  PutRaw(OffsetOf(0), Compact(0040755, static_cast<uint32_t>(content.size())));
  Put(OffsetOfBlock(kDataBlock), content);
}

void CraftedImage::PutFolder(Nid nid, uint32_t block, ByteSpan content) {
  auto raw = Extended(0040755, content.size());
  raw.data = block;
  PutRaw(OffsetOf(nid), raw);
  Put(OffsetOfBlock(block), content);
}

}  // namespace veneer::erofs
