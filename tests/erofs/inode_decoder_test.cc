#include "fs/erofs/inode_decoder.h"

#include "tests/erofs/crafted_image.h"
#include "tests/support/catch.h"

namespace veneer::erofs {
namespace {

using format::kErofsChunkBased;
using format::kErofsFlatInline;

constexpr uint64_t kImageSize = uint64_t{CraftedImage::kBlocks} * kBlockSize;

Superblock Super() {
  return *DecodeSuperblock(ByteSpan(CraftedImage().bytes).first(kBlockSize), kImageSize);
}

template <typename T>
Result<Inode> Decode(const T& raw, Nid nid = 2) {
  return DecodeInode({reinterpret_cast<const uint8_t*>(&raw), sizeof raw}, nid, Super(), kImageSize);
}

// Data in the last `blocks` blocks of the image.
template <typename T>
T AtEnd(T raw, uint32_t blocks) {
  raw.data = CraftedImage::kBlocks - blocks;
  return raw;
}

TEST_CASE("a compact inode takes its time from the superblock") {
  auto raw = CraftedImage::Compact(0100751, 5000);
  raw.uid = uint16_t{1000};
  raw.gid = uint16_t{1001};
  raw.nlink = uint16_t{65535};
  raw.xattr_icount = uint16_t{3};
  raw.mtime = 7U;  // as newer writers do
  const auto inode = Decode(raw);
  REQUIRE_OK(inode);
  CHECK(inode->nid == 2);
  CHECK(inode->mode == 0100751);
  CHECK(inode->uid == 1000);
  CHECK(inode->gid == 1001);
  CHECK(inode->nlink == 65535);
  CHECK(inode->size == 5000);
  CHECK(inode->mtime == 1'700'000'007);
  CHECK(inode->mtime_nsec == 5);
  CHECK(inode->layout == DataLayout::kPlain);
  CHECK(inode->first_block == CraftedImage::kDataBlock);
  CHECK(inode->offset == kBlockSize + 64);
  CHECK(inode->header_size == 32);
  CHECK(inode->xattr_size == 20);
  CHECK(inode->BodyOffset() == kBlockSize + 64 + 52);
}

TEST_CASE("an extended inode has wide fields of its own") {
  auto raw = CraftedImage::Extended(0040700, 4096);
  raw.uid = 100000U;
  raw.gid = 0xFFFFFFFEU;
  raw.nlink = 70000U;
  raw.mtime = static_cast<uint64_t>(int64_t{-5});
  raw.mtime_nsec = 999'999'999U;
  const auto inode = Decode(raw);
  REQUIRE_OK(inode);
  CHECK(inode->IsFolder());
  CHECK(inode->uid == 100000);
  CHECK(inode->gid == 0xFFFFFFFE);
  CHECK(inode->nlink == 70000);
  CHECK(inode->mtime == -5);
  CHECK(inode->mtime_nsec == 999'999'999);
  CHECK(inode->header_size == 64);
  CHECK(inode->xattr_size == 0);
}

TEST_CASE("devices have a number, fifos and sockets do not, and none has data") {
  for (const auto type : std::initializer_list<uint16_t>{0020000, 0060000, 0010000, 0140000}) {
    auto raw = CraftedImage::Extended(static_cast<uint16_t>(type | 0600), ~uint64_t{0} >> 1);
    raw.data = 0x00100103U;  // would be a block outside the image
    const auto inode = Decode(raw);
    REQUIRE_OK(inode);
    CHECK(!inode->HasData());
    CHECK(inode->rdev == (type == 0020000 || type == 0060000 ? 0x00100103 : 0));
    CHECK(!inode->IsWhiteout());
  }
  auto whiteout = CraftedImage::Compact(0020000, 0);
  whiteout.data = 0U;
  CHECK(Decode(whiteout)->IsWhiteout());
  whiteout.mode = uint16_t{0060000};  // a block device is none
  CHECK(!Decode(whiteout)->IsWhiteout());
}

TEST_CASE("plain data must lie within the image") {
  REQUIRE_OK(Decode(AtEnd(CraftedImage::Extended(0100644, 2 * kBlockSize), 2)));
  REQUIRE_FAILS(ErrorCode::kCorrupt, Decode(AtEnd(CraftedImage::Extended(0100644, 2 * kBlockSize + 1), 2)));
  REQUIRE_FAILS(ErrorCode::kCorrupt, Decode(AtEnd(CraftedImage::Compact(0100644, 0xFFFFFFFF), 2)));
  for (const uint64_t size :
       {~uint64_t{0}, ~uint64_t{0} >> 1, (~uint64_t{0} >> 1) + 1, ~uint64_t{0} - 4095}) {
    REQUIRE_FAILS(ErrorCode::kCorrupt, Decode(CraftedImage::Extended(0100644, size)));
  }
  auto far = CraftedImage::Extended(0100644, 1);
  far.data = 0xFFFFFFFFU;
  REQUIRE_FAILS(ErrorCode::kCorrupt, Decode(far));
  far.size = 0U;  // an empty file's block says nothing
  REQUIRE_OK(Decode(far));
  auto high = CraftedImage::Extended(0100644, 1);
  high.first_block_high = uint16_t{1};
  REQUIRE_FAILS(ErrorCode::kUnsupported, Decode(high));
}

TEST_CASE("an inline tail must lie within one block and within the image") {
  const Nid last = (kImageSize - kBlockSize) / 32 - 2;  // the last 64 bytes of the image
  REQUIRE_OK(Decode(CraftedImage::Compact(0100644, 4032, kErofsFlatInline), 1));  // fills the block
  REQUIRE_FAILS(ErrorCode::kCorrupt, Decode(CraftedImage::Compact(0100644, 4033, kErofsFlatInline), 1));
  REQUIRE_OK(Decode(CraftedImage::Compact(0100644, 32, kErofsFlatInline), last));
  REQUIRE_FAILS(ErrorCode::kCorrupt, Decode(CraftedImage::Compact(0100644, 33, kErofsFlatInline), last));
  // The blocks in front of the tail count too: two of them, then 4 bytes.
  const auto two = CraftedImage::Compact(0100644, 2 * kBlockSize + 4, kErofsFlatInline);
  REQUIRE_OK(Decode(AtEnd(two, 2)));
  REQUIRE_FAILS(ErrorCode::kCorrupt, Decode(AtEnd(two, 1)));
  // A last block that is full is the tail: it has a block of its own only where the header ends one.
  REQUIRE_FAILS(ErrorCode::kCorrupt, Decode(CraftedImage::Compact(0100644, kBlockSize, kErofsFlatInline)));
  REQUIRE_OK(Decode(CraftedImage::Compact(0100644, kBlockSize, kErofsFlatInline), 127));
  // Behind the last inode there is no block any more.
  REQUIRE_FAILS(ErrorCode::kCorrupt, Decode(CraftedImage::Compact(0100644, 1, kErofsFlatInline), last + 1));
}

TEST_CASE("a chunk table must lie within the image") {
  auto raw = CraftedImage::Extended(0100644, 10 * kBlockSize, kErofsChunkBased);
  raw.data = 2U | format::kErofsChunkIndexes | 0xABCD0000U;
  const auto inode = Decode(raw);
  REQUIRE_OK(inode);
  CHECK(inode->layout == DataLayout::kChunked);
  CHECK(inode->chunk_bits == 14);
  CHECK(inode->chunk_indexes);

  const Nid last = (kImageSize - kBlockSize) / 32 - 3;  // leaves room for 32 bytes of table
  raw.size = 4 * 4 * uint64_t{kBlockSize};
  REQUIRE_OK(Decode(raw, last));
  raw.size = raw.size + 1;
  REQUIRE_FAILS(ErrorCode::kCorrupt, Decode(raw, last));
  raw.data = 2U;  // 4-byte entries: twice as many
  REQUIRE_OK(Decode(raw, last));
  raw.size = 8 * 4 * uint64_t{kBlockSize} + 1;
  REQUIRE_FAILS(ErrorCode::kCorrupt, Decode(raw, last));
  raw.size = ~uint64_t{0} >> 1;
  REQUIRE_FAILS(ErrorCode::kCorrupt, Decode(raw));
  raw.data = 31U;  // chunks of 2^43 bytes: 2^20 of them, 4 MB of table
  REQUIRE_FAILS(ErrorCode::kCorrupt, Decode(raw));
  raw.data = 0x40U;
  REQUIRE_FAILS(ErrorCode::kUnsupported, Decode(raw));
}

TEST_CASE("an xattr area must lie within the image") {
  const Nid last = (kImageSize - kBlockSize) / 32 - 2;
  auto raw = CraftedImage::Compact(0100644, 0);
  raw.xattr_icount = uint16_t{6};  // 12 + 5 * 4 bytes: to the end
  REQUIRE_OK(Decode(raw, last));
  raw.xattr_icount = uint16_t{7};
  REQUIRE_FAILS(ErrorCode::kCorrupt, Decode(raw, last));
  raw.xattr_icount = uint16_t{0xFFFF};
  REQUIRE_FAILS(ErrorCode::kCorrupt, Decode(raw));
}

TEST_CASE("unknown and impossible inodes are refused") {
  REQUIRE_FAILS(ErrorCode::kUnsupported, Decode(CraftedImage::Extended(0100644, 1, 1)));  // compressed
  REQUIRE_FAILS(ErrorCode::kUnsupported, Decode(CraftedImage::Extended(0100644, 1, 3)));
  REQUIRE_FAILS(ErrorCode::kUnsupported, Decode(CraftedImage::Extended(0100644, 1, 5)));
  auto raw = CraftedImage::Extended(0100644, 1);
  raw.format = static_cast<uint16_t>(raw.format | 0x10);
  REQUIRE_FAILS(ErrorCode::kUnsupported, Decode(raw));
  REQUIRE_FAILS(ErrorCode::kCorrupt, Decode(CraftedImage::Extended(0000644, 1)));
  REQUIRE_FAILS(ErrorCode::kCorrupt, Decode(CraftedImage::Extended(0170644, 1)));
  raw = CraftedImage::Extended(0100644, 1);
  raw.mtime_nsec = 1'000'000'000U;
  REQUIRE_FAILS(ErrorCode::kCorrupt, Decode(raw));
}

TEST_CASE("an inode that ends early is corrupt") {
  const auto raw = CraftedImage::Extended(0100644, 1);
  const ByteSpan bytes(reinterpret_cast<const uint8_t*>(&raw), sizeof raw);
  for (size_t size = 0; size < sizeof raw; ++size) {
    REQUIRE_FAILS(ErrorCode::kCorrupt, DecodeInode(bytes.first(size), 2, Super(), kImageSize));
  }
  REQUIRE_OK(DecodeInode(bytes, 2, Super(), kImageSize));
}

}  // namespace
}  // namespace veneer::erofs
