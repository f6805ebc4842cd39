#include "fs/erofs/superblock.h"

#include <cstring>
#include <string_view>

#include "fs/format/erofs_fs.h"

namespace veneer::erofs {
namespace {

constexpr uint32_t kReadable = format::kErofsChunkedFile;

struct Feature {
  uint32_t bit;
  std::string_view name;
};
constexpr Feature kRefused[] = {
    {format::kErofsLz4ZeroPadding, "compression"},
    {format::kErofsComprCfgs, "compression with its own settings or big clusters"},
    {format::kErofsDeviceTable, "several devices"},
    {format::kErofsZtailpacking, "compressed tails in inodes"},
    {format::kErofsFragments, "compression fragments or deduplication"},
    {format::kErofsXattrPrefixes, "long xattr name prefixes"},
    {format::kErofs48bit, "48-bit block addresses"},
    {format::kErofsMetabox, "compressed metadata"},
};

Status CheckFeatures(const format::RawErofsSuperblock& raw) {
  uint32_t unknown = raw.feature_incompat & ~kReadable;
  for (const Feature& feature : kRefused) {
    if ((unknown & feature.bit) != 0)
      return Fail(ErrorCode::kUnsupported, "EROFS image uses {}, which is not supported", feature.name);
  }
  if (unknown != 0)
    return Fail(ErrorCode::kUnsupported, "EROFS image has unknown incompatible features {:#x}", unknown);
  if (raw.folder_block_bits != 0)
    return Fail(ErrorCode::kUnsupported, "EROFS image has folder blocks larger than 4096 bytes");
  return {};
}

Status CheckSizes(const format::RawErofsSuperblock& raw, uint64_t image_size) {
  const uint64_t blocks = image_size / kBlockSize;
  if (raw.blocks > blocks) {
    return Fail(ErrorCode::kCorrupt, "EROFS image is truncated: its superblock says {} blocks, {} are there",
                uint32_t{raw.blocks}, blocks);
  }
  if (raw.meta_block >= blocks || raw.xattr_block >= blocks)
    return Fail(ErrorCode::kCorrupt, "EROFS superblock places metadata outside the image");
  if (sizeof raw + size_t{raw.extension_slots} * 16 > kBlockSize - format::kErofsSuperblockOffset)
    return Fail(ErrorCode::kCorrupt, "EROFS superblock says that it is larger than its block");
  return {};
}

}  // namespace

Result<Superblock> DecodeSuperblock(ByteSpan first_block, uint64_t image_size) {
  format::RawErofsSuperblock raw{};
  if (!InBounds(format::kErofsSuperblockOffset, sizeof raw, first_block.size()))
    return Fail(ErrorCode::kCorrupt, "image is too short for EROFS");
  std::memcpy(&raw, first_block.data() + format::kErofsSuperblockOffset, sizeof raw);
  if (raw.magic != format::kErofsMagic) return Fail(ErrorCode::kCorrupt, "image is not EROFS");
  if (raw.block_bits != format::kErofsBlockBits) {
    return Fail(ErrorCode::kUnsupported, "EROFS image has a block size of 2^{} bytes, only 4096 is supported",
                raw.block_bits);
  }
  VENEER_TRY(CheckFeatures(raw));
  VENEER_TRY(CheckSizes(raw, image_size));
  if (raw.build_time_nsec >= 1'000'000'000)
    return Fail(ErrorCode::kCorrupt, "EROFS superblock has a build time of {} ns",
                uint32_t{raw.build_time_nsec});

  Superblock super;
  super.root = raw.root_nid;
  super.inode_count = raw.inode_count;
  super.meta_offset = uint64_t{raw.meta_block} * kBlockSize;
  super.xattr_offset = uint64_t{raw.xattr_block} * kBlockSize;
  super.build_time = static_cast<int64_t>(uint64_t{raw.build_time});
  super.build_time_nsec = raw.build_time_nsec;
  return super;
}

}  // namespace veneer::erofs
