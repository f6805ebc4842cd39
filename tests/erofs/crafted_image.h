// An EROFS image put together by hand, so that a test can make it wrong in one place.
#pragma once

#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fs/base/bytes.h"
#include "fs/erofs/image.h"
#include "fs/format/erofs_fs.h"

namespace veneer::erofs {

// One entry for FolderBytes.
struct CraftedEntry {
  std::string name;
  Nid nid = 0;
  uint8_t type = format::kErofsTypeRegular;
};

// The bytes of a block of a folder: entries and names in the order given, without padding.
Bytes FolderBytes(const std::vector<CraftedEntry>& entries);

// `bytes` with name and value padded to 4 bytes, as an inline or shared xattr.
Bytes XattrBytes(uint8_t index, std::string_view name, std::string_view value);

// A whole image: the superblock in block 0, nid 0 at block 1, shared xattr 0 at kXattrBlock, data from
// kDataBlock on. The root, nid 0, is an empty folder.
class CraftedImage {
 public:
  static constexpr uint32_t kMetaBlock = 1;
  static constexpr uint32_t kXattrBlock = 4;
  static constexpr uint32_t kDataBlock = 6;
  static constexpr uint32_t kBlocks = 16;

  CraftedImage();

  static uint64_t OffsetOf(Nid nid) { return uint64_t{kMetaBlock} * kBlockSize + nid * 32; }
  static uint64_t OffsetOfBlock(uint64_t block) { return block * kBlockSize; }

  void Put(uint64_t offset, ByteSpan bytes);
  template <typename T>
  void PutRaw(uint64_t offset, const T& raw) {
    Put(offset, {reinterpret_cast<const uint8_t*>(&raw), sizeof raw});
  }
  void PutSuperblock() { PutRaw(format::kErofsSuperblockOffset, super); }

  // A plain extended inode of `size` bytes from kDataBlock on.
  static format::RawErofsInodeExtended Extended(uint16_t mode, uint64_t size, uint16_t layout = 0);
  static format::RawErofsInodeCompact Compact(uint16_t mode, uint32_t size, uint16_t layout = 0);

  // Makes `block` (of a plain root) hold `content`, and the root's size fit.
  void PutRoot(ByteSpan content);

  // Makes inode `nid` (extended: two slots) a folder that holds `content` from block `block` on.
  void PutFolder(Nid nid, uint32_t block, ByteSpan content);

  std::shared_ptr<const io::BlockSource> Source() const {
    return std::make_shared<io::MemoryBlockSource>(bytes);
  }
  Result<Image> Open() const { return Image::Open(Source()); }

  format::RawErofsSuperblock super{};
  Bytes bytes;
};

}  // namespace veneer::erofs
