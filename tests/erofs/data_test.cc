// Image::ReadData, NextData and BlocksOf over layouts made by hand.
#include <algorithm>

#include "tests/erofs/counting_source.h"
#include "tests/erofs/crafted_image.h"
#include "tests/support/catch.h"

namespace veneer::erofs {
namespace {

constexpr uint32_t kHole = format::kErofsNullBlock;
using Ranges = std::vector<std::pair<uint64_t, uint64_t>>;

// Block n of the image's data area is filled with the byte n.
CraftedImage NumberedImage() {
  CraftedImage image;
  for (uint32_t block = CraftedImage::kDataBlock; block < CraftedImage::kBlocks; ++block) {
    const auto at = image.bytes.begin() + static_cast<ptrdiff_t>(CraftedImage::OffsetOfBlock(block));
    std::fill_n(at, kBlockSize, static_cast<uint8_t>(block));
  }
  return image;
}

// Inode 4, extended, of `size` bytes in chunks of 2^`bits` blocks at `blocks`.
CraftedImage ChunkedImage(uint64_t size, uint32_t bits, bool indexes, const std::vector<uint32_t>& blocks,
                          uint16_t xattr_icount = 0) {
  CraftedImage image = NumberedImage();
  auto raw = CraftedImage::Extended(0100644, size, format::kErofsChunkBased);
  raw.data = bits | (indexes ? format::kErofsChunkIndexes : 0);
  raw.xattr_icount = xattr_icount;
  image.PutRaw(CraftedImage::OffsetOf(4), raw);
  uint64_t at = CraftedImage::OffsetOf(4) + 64 + (xattr_icount == 0 ? 0 : 12 + 4 * (xattr_icount - 1U));
  if (indexes) at = (at + 7) / 8 * 8;
  for (const uint32_t block : blocks) {
    if (indexes) {
      image.PutRaw(at, format::RawErofsChunkIndex{uint16_t{0xFFFF}, uint16_t{0xFFFF}, block});
    } else {
      image.PutRaw(at, Le32(block));
    }
    at += indexes ? 8 : 4;
  }
  return image;
}

Bytes ReadAll(const Image& image, const Inode& inode) {
  Bytes data(inode.size, 0xEE);
  REQUIRE_OK(image.ReadData(inode, 0, data));
  return data;
}

Ranges DataRuns(const Image& image, const Inode& inode) {
  Ranges runs;
  for (uint64_t offset = 0;;) {
    const auto run = image.NextData(inode, offset);
    REQUIRE_OK(run);
    if (!*run) return runs;
    runs.emplace_back((*run)->begin, (*run)->end);
    offset = (*run)->end;
  }
}

Ranges BlocksOf(const Image& image, const Inode& inode) {
  const auto blocks = image.BlocksOf(inode);
  REQUIRE_OK(blocks);
  Ranges ranges;
  for (const BlockRange& range : *blocks) ranges.emplace_back(range.begin, range.end);
  return ranges;
}

TEST_CASE("chunks and holes are read where they are") {
  for (const bool indexes : {false, true}) {
    for (const auto icount :
         std::initializer_list<uint16_t>{0, 1, 2}) {  // moves the table, so that indexes need their alignment
      const auto crafted =
          ChunkedImage(6 * kBlockSize - 100, 0, indexes, {6, 7, kHole, kHole, 12, 6}, icount);
      const auto image = crafted.Open();
      REQUIRE_OK(image);
      const auto inode = image->ReadInode(4);
      REQUIRE_OK(inode);
      const Bytes data = ReadAll(*image, *inode);
      const uint8_t expected[] = {6, 7, 0, 0, 12, 6};
      for (size_t i = 0; i < data.size(); ++i) REQUIRE(data[i] == expected[i / kBlockSize]);
      // Chunks that are not neighbours in the image are so in the file: one run.
      CHECK(DataRuns(*image, *inode) == Ranges{{0, 2 * kBlockSize}, {4 * kBlockSize, inode->size}});
      CHECK(BlocksOf(*image, *inode) == Ranges{{1, 2}, {6, 8}, {12, 13}});
    }
  }
}

TEST_CASE("large chunks end with the file") {
  const auto crafted =
      ChunkedImage(6 * kBlockSize + 1, 2, false, {8, 14});  // 4 blocks, then 3 of which 2 exist
  auto image = crafted.Open();
  REQUIRE_OK(image);
  auto inode = image->ReadInode(4);
  REQUIRE_OK(inode);
  Bytes data(6 * kBlockSize);
  REQUIRE_FAILS(ErrorCode::kCorrupt, image->ReadData(*inode, 0, data));
  CHECK(BlocksOf(*image, *inode) == Ranges{{1, 2}, {8, 12}});
  REQUIRE_FAILS(ErrorCode::kCorrupt, image->NextData(*inode, 0));
  REQUIRE_OK(image->ReadData(*inode, 0, MutableByteSpan(data).first(4 * kBlockSize)));

  image = ChunkedImage(6 * kBlockSize, 2, false, {8, 14}).Open();
  inode = image->ReadInode(4);
  CHECK(ReadAll(*image, *inode)[6 * kBlockSize - 1] == 15);
  CHECK(BlocksOf(*image, *inode) == Ranges{{1, 2}, {8, 12}, {14, 16}});
}

TEST_CASE("a sparse file may be enormous") {
  const uint64_t chunk = uint64_t{1} << 43;
  const auto crafted = ChunkedImage(1000 * chunk, 31, false, std::vector<uint32_t>(1000, kHole));
  const auto image = crafted.Open();
  const auto inode = image->ReadInode(4);
  REQUIRE_OK(inode);
  CHECK(DataRuns(*image, *inode).empty());
  Bytes data(100, 1);
  REQUIRE_OK(image->ReadData(*inode, 1000 * chunk - 100, data));
  CHECK(data == Bytes(100, 0));
  REQUIRE_FAILS(ErrorCode::kUsage, image->ReadData(*inode, 1000 * chunk - 99, data));
  REQUIRE_FAILS(ErrorCode::kUsage, image->ReadData(*inode, ~uint64_t{0} - 50, data));
}

TEST_CASE("what lies in one piece is read in one call") {
  auto source = std::make_shared<CountingSource>(
      ChunkedImage(6 * kBlockSize, 0, false, {6, 7, 8, 10, 11, kHole}).Source());
  auto image = Image::Open(source);
  auto inode = image->ReadInode(4);
  source->blocks.clear();
  Bytes data(5 * kBlockSize - 7);
  REQUIRE_OK(image->ReadData(*inode, 3, data));
  using Reads = std::vector<std::pair<uint64_t, uint64_t>>;
  CHECK(source->reads ==
        Reads{{6 * kBlockSize + 3, 3 * kBlockSize - 3}, {10 * kBlockSize, 2 * kBlockSize - 4}});
  CHECK(source->blocks == std::vector<uint64_t>{1});  // the chunk table, once

  CraftedImage inlined = NumberedImage();
  inlined.PutRaw(CraftedImage::OffsetOf(4),
                 CraftedImage::Extended(0100644, 3 * kBlockSize + 5, format::kErofsFlatInline));
  inlined.Put(CraftedImage::OffsetOf(6), AsBytes("tail!"));
  source = std::make_shared<CountingSource>(inlined.Source());
  image = Image::Open(source);
  inode = image->ReadInode(4);
  source->blocks.clear();
  data = ReadAll(*image, *inode);
  CHECK(AsText(ByteSpan(data).last(6)) == "\x08tail!");
  CHECK(source->reads == Reads{{6 * kBlockSize, 3 * kBlockSize}});
  CHECK(source->blocks == std::vector<uint64_t>{1});
  CHECK(DataRuns(*image, *inode) == Ranges{{0, 3 * kBlockSize + 5}});
  CHECK(BlocksOf(*image, *inode) == Ranges{{1, 2}, {6, 9}});
  CHECK(image->NextData(*inode, 4000).value()->begin == 4000);
  CHECK(!image->NextData(*inode, inode->size).value());
  CHECK(!image->NextData(*inode, ~uint64_t{0}).value());
}

TEST_CASE("an inode may cross from one block to the next") {
  CraftedImage crafted = NumberedImage();
  auto raw = CraftedImage::Extended(0100644, 10);
  raw.nlink = 12345U;  // in the second half
  crafted.PutRaw(CraftedImage::OffsetOf(127), raw);
  auto image = crafted.Open();
  auto inode = image->ReadInode(127);
  REQUIRE_OK(inode);
  CHECK(inode->nlink == 12345);
  CHECK(BlocksOf(*image, *inode) == Ranges{{1, 3}, {6, 7}});

  // A compact one fits, and so does nothing at the very end of the image but that.
  const Nid last = (crafted.bytes.size() - CraftedImage::OffsetOf(0)) / 32 - 1;
  crafted.PutRaw(CraftedImage::OffsetOf(127), CraftedImage::Compact(0100644, 10));
  crafted.PutRaw(CraftedImage::OffsetOf(last), CraftedImage::Compact(0100644, 0));
  image = crafted.Open();
  REQUIRE_OK(image->ReadInode(127));
  REQUIRE_OK(image->ReadInode(last));
  crafted.bytes[CraftedImage::OffsetOf(last)] = 1;  // extended
  image = crafted.Open();
  REQUIRE_FAILS(ErrorCode::kCorrupt, image->ReadInode(last));
}

TEST_CASE("inodes outside the image are corrupt, wherever they are said to be") {
  const auto image = CraftedImage().Open();
  const Nid end = (uint64_t{CraftedImage::kBlocks} * kBlockSize - CraftedImage::OffsetOf(0)) / 32;
  for (const Nid nid : {end, end + 1, Nid{1} << 39, Nid{1} << 48, Nid{1} << 59, ~Nid{0}, ~Nid{0} - 127}) {
    REQUIRE_FAILS(ErrorCode::kCorrupt, image->ReadInode(nid));
  }
}

TEST_CASE("only files, folders and symlinks can be read") {
  CraftedImage crafted;
  crafted.PutRaw(CraftedImage::OffsetOf(4), CraftedImage::Extended(0020644, 100));
  const auto image = crafted.Open();
  const auto inode = image->ReadInode(4);
  Bytes data(1);
  REQUIRE_FAILS(ErrorCode::kUsage, image->ReadData(*inode, 0, data));
  REQUIRE_FAILS(ErrorCode::kUsage, image->ReadLink(*inode));
  CHECK(!image->NextData(*inode, 0).value());
  CHECK(BlocksOf(*image, *inode) == Ranges{{1, 2}});
}

TEST_CASE("a symlink has a target of 1 to 4095 bytes without NUL") {
  CraftedImage crafted;
  const auto target = [&](ByteSpan bytes) {
    crafted.PutRaw(CraftedImage::OffsetOf(4),
                   CraftedImage::Compact(0120777, static_cast<uint32_t>(bytes.size())));
    crafted.Put(CraftedImage::OffsetOfBlock(CraftedImage::kDataBlock), bytes);
    const auto image = crafted.Open();
    return image->ReadLink(*image->ReadInode(4));
  };
  CHECK(*target(AsBytes("x")) == "x");
  CHECK(*target(Bytes(4095, 'y')) == std::string(4095, 'y'));
  REQUIRE_FAILS(ErrorCode::kCorrupt, target(Bytes(4096, 'y')));
  REQUIRE_FAILS(ErrorCode::kCorrupt, target({}));
  REQUIRE_FAILS(ErrorCode::kCorrupt, target(AsBytes(std::string_view("a\0b", 3))));
}

TEST_CASE("the block of an inode is known without reading it") {
  const auto image = CraftedImage().Open();
  CHECK(image->BlockOfInode(0) == 1);
  CHECK(image->BlockOfInode(127) == 1);
  CHECK(image->BlockOfInode(128) == 2);
  CHECK(!image->BlockOfInode(~Nid{0}));
}

TEST_CASE("a damaged chunk table is still known to be of its inode") {
  // 2000 chunks of 4 bytes each from block 1 into block 2.
  auto source = std::make_shared<CountingSource>(
      ChunkedImage(2000 * uint64_t{kBlockSize}, 0, false, std::vector<uint32_t>(2000, 9)).Source());
  const auto image = Image::Open(source);
  const auto inode = image->ReadInode(4);
  CHECK(BlocksOf(*image, *inode) == Ranges{{1, 3}, {9, 10}});
  source->bad_block = 2;
  CHECK(BlocksOf(*image, *inode) == Ranges{{1, 3}, {9, 10}});
  source->bad_block = 1;
  CHECK(BlocksOf(*image, *inode) == Ranges{{1, 3}});
}

TEST_CASE("what the source refuses is refused") {
  auto source = std::make_shared<CountingSource>(ChunkedImage(2 * kBlockSize, 0, false, {6, 9}).Source());
  const auto image = Image::Open(source);
  const auto inode = image->ReadInode(4);
  Bytes data(2 * kBlockSize);
  for (const auto bad : std::initializer_list<uint64_t>{1, 6, 9}) {
    source->bad_block = bad;
    REQUIRE_FAILS(ErrorCode::kCorrupt, image->ReadData(*inode, 0, data));
  }
  source->bad_block = 1;
  REQUIRE_FAILS(ErrorCode::kCorrupt, image->ReadInode(4));
  source->bad_block = 0;
  REQUIRE_FAILS(ErrorCode::kCorrupt, Image::Open(source));
}

}  // namespace
}  // namespace veneer::erofs
