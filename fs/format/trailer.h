// The last 128 bytes of a layer file: where its parts are. See docs/format/layer.md.
//
// Nothing in the trailer is trusted. It only says where to look for the CMS message; where the image and the
// tree are is taken from the signed manifest, and the trailer must agree with it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "fs/base/bytes.h"
#include "fs/base/endian.h"
#include "fs/base/error.h"

namespace veneer::format {

// "VENEERLY", the first bytes of the trailer.
inline constexpr std::array<uint8_t, 8> kTrailerMagic = {'V', 'E', 'N', 'E', 'E', 'R', 'L', 'Y'};
inline constexpr uint16_t kTrailerMajor = 1;
inline constexpr uint16_t kTrailerMinor = 0;

// The largest CMS message that is read at all, in bytes.
inline constexpr uint64_t kMaxCmsSize = 4 << 20;

struct RawTrailer {
  std::array<uint8_t, 8> magic;      // 0
  Le16 major;                        // 8   a reader refuses any other
  Le16 minor;                        // 10  of the writer
  Le16 oldest_readable_minor;        // 12  a reader whose minor is lower refuses
  Le16 size;                         // 14  of this struct: 128
  Le64 image_offset;                 // 16  0
  Le64 image_size;                   // 24  bytes, a multiple of 4096
  Le64 tree_offset;                  // 32  image_offset + image_size
  Le64 tree_size;                    // 40  bytes, superblock and hash blocks
  Le64 cms_offset;                   // 48  tree_offset + tree_size
  Le64 cms_size;                     // 56  bytes
  std::array<uint8_t, 56> reserved;  // 64  zero
  std::array<uint8_t, 8> end_magic;  // 120 "VENEEREN"
};
static_assert(sizeof(RawTrailer) == 128 && alignof(RawTrailer) == 1);
static_assert(offsetof(RawTrailer, image_offset) == 16 && offsetof(RawTrailer, cms_size) == 56);
static_assert(offsetof(RawTrailer, reserved) == 64 && offsetof(RawTrailer, end_magic) == 120);

inline constexpr std::array<uint8_t, 8> kTrailerEndMagic = {'V', 'E', 'N', 'E', 'E', 'R', 'E', 'N'};

// Where the parts of a layer file are, in bytes from its start.
struct Trailer {
  uint64_t image_size = 0;
  uint64_t tree_offset = 0;
  uint64_t tree_size = 0;
  uint64_t cms_offset = 0;
  uint64_t cms_size = 0;

  bool operator==(const Trailer&) const = default;
};

// The 128 bytes for `trailer`.
std::array<uint8_t, sizeof(RawTrailer)> EncodeTrailer(const Trailer& trailer);

// Reads the trailer of a file of `file_size` bytes from its last 128 bytes. The parts must follow each other
// without a gap and fill the file up to the trailer: nothing before, between or behind them. kCorrupt if
// `bytes` are not a trailer or its parts do not lie so; kUnsupported for another format.
Result<Trailer> DecodeTrailer(ByteSpan bytes, uint64_t file_size);

}  // namespace veneer::format
