#include "fs/erofs/inode_decoder.h"

#include <sys/stat.h>

#include <cstring>
#include <limits>

#include "fs/erofs/data_map.h"
#include "fs/format/erofs_fs.h"

namespace veneer::erofs {
namespace {

// Fields that both forms have, in the width of the larger.
struct CommonFields {
  uint16_t format = 0;
  uint16_t xattr_icount = 0;
  uint16_t first_block_high = 0;
  uint32_t data = 0;
};

CommonFields ReadCompact(ByteSpan bytes, const Superblock& super, Inode& inode) {
  format::RawErofsInodeCompact raw{};
  std::memcpy(&raw, bytes.data(), sizeof raw);
  inode.mode = raw.mode;
  inode.uid = raw.uid;
  inode.gid = raw.gid;
  inode.nlink = raw.nlink;
  inode.size = raw.size;
  inode.mtime = static_cast<int64_t>(static_cast<uint64_t>(super.build_time) + raw.mtime);
  inode.mtime_nsec = super.build_time_nsec;
  return {raw.format, raw.xattr_icount, 0, raw.data};
}

CommonFields ReadExtended(ByteSpan bytes, Inode& inode) {
  format::RawErofsInodeExtended raw{};
  std::memcpy(&raw, bytes.data(), sizeof raw);
  inode.mode = raw.mode;
  inode.uid = raw.uid;
  inode.gid = raw.gid;
  inode.nlink = raw.nlink;
  inode.size = raw.size;
  inode.mtime = static_cast<int64_t>(uint64_t{raw.mtime});
  inode.mtime_nsec = raw.mtime_nsec;
  return {raw.format, raw.xattr_icount, raw.first_block_high, raw.data};
}

Status SetLayout(const CommonFields& raw, Inode& inode) {
  switch (raw.format >> format::kErofsInodeLayoutShift & format::kErofsInodeLayoutMask) {
    case format::kErofsFlatPlain:
      inode.layout = DataLayout::kPlain;
      break;
    case format::kErofsFlatInline:
      inode.layout = DataLayout::kInline;
      break;
    case format::kErofsChunkBased:
      inode.layout = DataLayout::kChunked;
      break;
    case format::kErofsCompressedFull:
    case format::kErofsCompressedCompact:
      return Fail(ErrorCode::kUnsupported, "inode {}: is compressed, which is not supported", inode.nid);
    default:
      return Fail(ErrorCode::kUnsupported, "inode {}: has an unknown data layout", inode.nid);
  }
  if (inode.layout != DataLayout::kChunked) {
    if (raw.first_block_high != 0 && inode.size != 0)
      return Fail(ErrorCode::kUnsupported, "inode {}: has a 48-bit block address", inode.nid);
    inode.first_block = raw.data;
    return {};
  }
  const uint32_t chunk_format = raw.data & 0xFFFF;
  if ((chunk_format & ~format::kErofsChunkKnownBits) != 0) {
    return Fail(ErrorCode::kUnsupported, "inode {}: has an unknown chunk format {:#x}", inode.nid,
                chunk_format);
  }
  inode.chunk_bits =
      static_cast<uint8_t>(format::kErofsBlockBits + (chunk_format & format::kErofsChunkBlockBitsMask));
  inode.chunk_indexes = (chunk_format & format::kErofsChunkIndexes) != 0;
  return {};
}

// By the type in the mode: where the data are, or which device it is.
Status SetContent(const CommonFields& raw, Inode& inode) {
  if ((raw.format & ~format::kErofsInodeKnownBits) != 0) {
    return Fail(ErrorCode::kUnsupported, "inode {}: has an unknown format {:#x}", inode.nid, raw.format);
  }
  switch (inode.mode & S_IFMT) {
    case S_IFREG:
    case S_IFDIR:
    case S_IFLNK:
      return SetLayout(raw, inode);
    case S_IFCHR:
    case S_IFBLK:
      inode.rdev = raw.data;
      return {};
    case S_IFIFO:
    case S_IFSOCK:
      return {};
    default:
      return Fail(ErrorCode::kCorrupt, "inode {}: has no file type in its mode {:o}", inode.nid, inode.mode);
  }
}

Status CheckPlacement(const Inode& inode, uint64_t image_size) {
  if (!InBounds(inode.offset, inode.header_size + uint64_t{inode.xattr_size}, image_size))
    return Fail(ErrorCode::kCorrupt, "inode {}: its xattrs reach beyond the image", inode.nid);
  if (inode.size > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
    return Fail(ErrorCode::kCorrupt, "inode {}: its size of {} bytes is impossible", inode.nid, inode.size);
  if (inode.IsFolder() && BlocksFor(inode.size) > std::numeric_limits<uint32_t>::max())
    return Fail(ErrorCode::kCorrupt, "inode {}: a folder of {} bytes is impossible", inode.nid, inode.size);
  if (inode.mtime_nsec >= 1'000'000'000)
    return Fail(ErrorCode::kCorrupt, "inode {}: its time has {} ns", inode.nid, inode.mtime_nsec);
  if (!inode.HasData() || inode.size == 0) return {};
  return CheckDataPlacement(inode, image_size);
}

}  // namespace

uint32_t InodeHeaderSize(ByteSpan bytes) {
  Le16 inode_format;
  std::memcpy(&inode_format, bytes.data(), sizeof inode_format);
  return (inode_format & format::kErofsInodeExtended) != 0 ? sizeof(format::RawErofsInodeExtended)
                                                           : sizeof(format::RawErofsInodeCompact);
}

Result<Inode> DecodeInode(ByteSpan bytes, Nid nid, const Superblock& super, uint64_t image_size) {
  if (bytes.size() < sizeof(format::RawErofsInodeCompact) || bytes.size() < InodeHeaderSize(bytes))
    return Fail(ErrorCode::kCorrupt, "inode {}: ends early", nid);
  Inode inode;
  inode.nid = nid;
  inode.offset = super.meta_offset + nid * format::kErofsSlotSize;
  inode.header_size = InodeHeaderSize(bytes);
  const bool extended = inode.header_size == sizeof(format::RawErofsInodeExtended);
  const CommonFields raw = extended ? ReadExtended(bytes, inode) : ReadCompact(bytes, super, inode);
  if (raw.xattr_icount != 0) {
    inode.xattr_size = static_cast<uint32_t>(sizeof(format::RawErofsXattrHeader)) +
                       format::kErofsXattrAlignment * (uint32_t{raw.xattr_icount} - 1);
  }
  VENEER_TRY(SetContent(raw, inode));
  VENEER_TRY(CheckPlacement(inode, image_size));
  return inode;
}

}  // namespace veneer::erofs
