// dm-verity's on-disk superblock, version 1, as veritysetup writes and reads it.
// Specification: cryptsetup's "DMVerity" page and lib/verity/verity.c (struct verity_sb).
#pragma once

#include <cstddef>
#include <cstdint>

#include "fs/base/bytes.h"
#include "fs/base/endian.h"
#include "fs/base/error.h"

namespace veneer::format {

struct RawVeritySuperblock {
  std::array<uint8_t, 8> signature;   // 0   "verity\0\0"
  Le32 version;                       // 8   1
  Le32 hash_type;                     // 12  1: the normal type
  std::array<uint8_t, 16> uuid;       // 16
  std::array<uint8_t, 32> algorithm;  // 32  "sha256", padded with zeros
  Le32 data_block_size;               // 64  4096
  Le32 hash_block_size;               // 68  4096
  Le64 data_blocks;                   // 72
  Le16 salt_size;                     // 80  0
  std::array<uint8_t, 6> pad1;        // 82
  std::array<uint8_t, 256> salt;      // 88
  std::array<uint8_t, 168> pad2;      // 344
};
static_assert(sizeof(RawVeritySuperblock) == 512 && alignof(RawVeritySuperblock) == 1);
static_assert(offsetof(RawVeritySuperblock, data_blocks) == 72 && offsetof(RawVeritySuperblock, salt) == 88);

using Uuid = std::array<uint8_t, 16>;

// The 512 bytes of a superblock for `data_blocks` blocks with SHA-256, blocks of 4096 and an empty salt.
std::array<uint8_t, sizeof(RawVeritySuperblock)> EncodeVeritySuperblock(uint64_t data_blocks,
                                                                        const Uuid& uuid);

// The number of data blocks of the superblock at the start of `bytes`. kCorrupt if it is not a verity
// superblock or has reserved bytes that are not zero; kUnsupported if it is one with another version, type,
// algorithm, block size, or a salt.
Result<uint64_t> DecodeVeritySuperblock(ByteSpan bytes);

}  // namespace veneer::format
