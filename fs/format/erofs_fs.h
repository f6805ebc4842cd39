// EROFS on disk, as far as this reader goes. See docs/format/erofs.md.
// Specification: Linux Documentation/filesystems/erofs.rst and fs/erofs/erofs_fs.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "fs/base/endian.h"

namespace veneer::format {

inline constexpr uint32_t kErofsMagic = 0xE0F5E1E2;
inline constexpr uint32_t kErofsSuperblockOffset = 1024;  // in block 0
inline constexpr uint8_t kErofsBlockBits = 12;            // of the only block size that is read, 4096
inline constexpr uint32_t kErofsSlotSize = 32;            // nids count in these

// feature_incompat. A reader refuses an image that has a bit set which it does not know.
inline constexpr uint32_t kErofsLz4ZeroPadding = 0x001;
inline constexpr uint32_t kErofsComprCfgs = 0x002;  // and big pclusters
inline constexpr uint32_t kErofsChunkedFile = 0x004;
inline constexpr uint32_t kErofsDeviceTable = 0x008;  // and a second compression head
inline constexpr uint32_t kErofsZtailpacking = 0x010;
inline constexpr uint32_t kErofsFragments = 0x020;  // and deduplicated compressed data
inline constexpr uint32_t kErofsXattrPrefixes = 0x040;
inline constexpr uint32_t kErofs48bit = 0x080;
inline constexpr uint32_t kErofsMetabox = 0x100;

struct RawErofsSuperblock {
  Le32 magic;                           // 0
  Le32 checksum;                        // 4   CRC-32C of the block behind byte 1024, if feature_compat has 1
  Le32 feature_compat;                  // 8   may be ignored
  uint8_t block_bits;                   // 12  log2 of the block size
  uint8_t extension_slots;              // 13  the superblock has 128 + 16 * this bytes
  Le16 root_nid;                        // 14
  Le64 inode_count;                     // 16
  Le64 build_time;                      // 24  base of the mtime of compact inodes, seconds since 1970
  Le32 build_time_nsec;                 // 32  nanoseconds of the mtime of compact inodes
  Le32 blocks;                          // 36  of the whole image
  Le32 meta_block;                      // 40  nid 0 is at the start of this block
  Le32 xattr_block;                     // 44  shared xattr 0 is at the start of this block
  std::array<uint8_t, 16> uuid;         // 48
  std::array<uint8_t, 16> volume_name;  // 64
  Le32 feature_incompat;                // 80
  Le16 compression;                     // 84
  Le16 extra_devices;                   // 86
  Le16 device_table_slot;               // 88
  uint8_t folder_block_bits;            // 90  log2 of the blocks in a block of a folder
  uint8_t xattr_prefix_count;           // 91
  Le32 xattr_prefix_start;              // 92
  Le64 packed_nid;                      // 96
  uint8_t xattr_filter_reserved;        // 104
  std::array<uint8_t, 23> reserved;     // 105
};
static_assert(sizeof(RawErofsSuperblock) == 128 && alignof(RawErofsSuperblock) == 1);
static_assert(offsetof(RawErofsSuperblock, root_nid) == 14 && offsetof(RawErofsSuperblock, blocks) == 36);
static_assert(offsetof(RawErofsSuperblock, feature_incompat) == 80);
static_assert(offsetof(RawErofsSuperblock, folder_block_bits) == 90);

// i_format: bit 0 says extended, bits 1 to 3 the data layout; others belong to features not read here.
inline constexpr uint16_t kErofsInodeExtended = 0x1;
inline constexpr uint16_t kErofsInodeLayoutShift = 1;
inline constexpr uint16_t kErofsInodeLayoutMask = 0x7;
inline constexpr uint16_t kErofsInodeKnownBits = 0xF;

// Data layouts.
inline constexpr uint16_t kErofsFlatPlain = 0;
inline constexpr uint16_t kErofsCompressedFull = 1;
inline constexpr uint16_t kErofsFlatInline = 2;
inline constexpr uint16_t kErofsCompressedCompact = 3;
inline constexpr uint16_t kErofsChunkBased = 4;

// The low 16 bits of `data` of a chunk-based inode.
inline constexpr uint32_t kErofsChunkBlockBitsMask = 0x1F;  // log2 of the blocks in a chunk
inline constexpr uint32_t kErofsChunkIndexes = 0x20;        // the table has 8-byte indexes
inline constexpr uint32_t kErofsChunkKnownBits = 0x3F;

// A block number that stands for a hole.
inline constexpr uint32_t kErofsNullBlock = 0xFFFFFFFF;

struct RawErofsInodeCompact {
  Le16 format;        // 0
  Le16 xattr_icount;  // 2   0, or 1 + the 4-byte units of the xattr area behind its 12-byte header
  Le16 mode;          // 4   as st_mode
  Le16 nlink;         // 6
  Le32 size;          // 8   bytes
  Le32 mtime;         // 12  seconds behind the superblock's build_time; 0 before erofs-utils 1.9
  Le32 data;          // 16  first block, or rdev, or chunk format
  Le32 ino;           // 20  for 32-bit stat
  Le16 uid;           // 24
  Le16 gid;           // 26
  Le32 reserved;      // 28
};
static_assert(sizeof(RawErofsInodeCompact) == 32 && alignof(RawErofsInodeCompact) == 1);
static_assert(offsetof(RawErofsInodeCompact, data) == 16 && offsetof(RawErofsInodeCompact, uid) == 24);

struct RawErofsInodeExtended {
  Le16 format;                       // 0
  Le16 xattr_icount;                 // 2
  Le16 mode;                         // 4
  Le16 first_block_high;             // 6   0 without the feature 48bit
  Le64 size;                         // 8
  Le32 data;                         // 16
  Le32 ino;                          // 20
  Le32 uid;                          // 24
  Le32 gid;                          // 28
  Le64 mtime;                        // 32  seconds since 1970
  Le32 mtime_nsec;                   // 40
  Le32 nlink;                        // 44
  std::array<uint8_t, 16> reserved;  // 48
};
static_assert(sizeof(RawErofsInodeExtended) == 64 && alignof(RawErofsInodeExtended) == 1);
static_assert(offsetof(RawErofsInodeExtended, data) == 16 && offsetof(RawErofsInodeExtended, mtime) == 32);
static_assert(offsetof(RawErofsInodeExtended, nlink) == 44);

// An entry of a chunk table with indexes. Without them, an entry is the Le32 block alone.
struct RawErofsChunkIndex {
  Le16 block_high;  // 0  0 without the feature 48bit
  Le16 device;      // 2  counts only with a device table
  Le32 block;       // 4
};
static_assert(sizeof(RawErofsChunkIndex) == 8 && offsetof(RawErofsChunkIndex, block) == 4);

// In front of the xattrs of an inode; `shared_count` Le32 ids follow, then the inline entries.
struct RawErofsXattrHeader {
  Le32 name_filter;                 // 0  a hint, if feature_compat has 4
  uint8_t shared_count;             // 4
  std::array<uint8_t, 7> reserved;  // 5
};
static_assert(sizeof(RawErofsXattrHeader) == 12 && offsetof(RawErofsXattrHeader, shared_count) == 4);

// An xattr; name and value follow, padded to 4 bytes.
struct RawErofsXattrEntry {
  uint8_t name_size;   // 0  without the prefix that the index stands for
  uint8_t name_index;  // 1
  Le16 value_size;     // 2
};
static_assert(sizeof(RawErofsXattrEntry) == 4 && offsetof(RawErofsXattrEntry, value_size) == 2);
inline constexpr uint32_t kErofsXattrAlignment = 4;  // and the unit of shared xattr ids

// name_index.
inline constexpr uint8_t kErofsXattrUser = 1;
inline constexpr uint8_t kErofsXattrAclAccess = 2;
inline constexpr uint8_t kErofsXattrAclDefault = 3;
inline constexpr uint8_t kErofsXattrTrusted = 4;
inline constexpr uint8_t kErofsXattrSecurity = 6;

// An entry of a folder. A block of a folder starts with an array of these, names follow it.
struct RawErofsDirent {
  Le64 nid;          // 0
  Le16 name_offset;  // 8   from the start of the block; that of entry 0 is the size of the array
  uint8_t type;      // 10  see below
  uint8_t reserved;  // 11
};
static_assert(sizeof(RawErofsDirent) == 12 && alignof(RawErofsDirent) == 1);
static_assert(offsetof(RawErofsDirent, name_offset) == 8 && offsetof(RawErofsDirent, type) == 10);
inline constexpr size_t kErofsMaxName = 255;

// RawErofsDirent::type: 0 unknown, then in this order.
inline constexpr uint8_t kErofsTypeRegular = 1;
inline constexpr uint8_t kErofsTypeFolder = 2;
inline constexpr uint8_t kErofsTypeCharDevice = 3;
inline constexpr uint8_t kErofsTypeBlockDevice = 4;
inline constexpr uint8_t kErofsTypeFifo = 5;
inline constexpr uint8_t kErofsTypeSocket = 6;
inline constexpr uint8_t kErofsTypeSymlink = 7;

}  // namespace veneer::format
