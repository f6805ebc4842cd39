#include "fs/erofs/superblock.h"

#include "tests/erofs/crafted_image.h"
#include "tests/support/catch.h"

namespace veneer::erofs {
namespace {

std::string RefusalOf(const CraftedImage& image) {
  const auto opened = image.Open();
  REQUIRE_FAILS(ErrorCode::kUnsupported, opened);
  return opened.error().message();
}

TEST_CASE("a superblock gives the root, the inode count and where things are") {
  CraftedImage image;
  image.super.checksum = 0xDEADBEEFU;  // not looked at
  image.super.feature_compat = 0xFFFFFFFFU;
  image.super.inode_count = 77U;
  image.PutSuperblock();
  const auto super = DecodeSuperblock(ByteSpan(image.bytes).first(kBlockSize), image.bytes.size());
  REQUIRE_OK(super);
  CHECK(super->root == 0);
  CHECK(super->meta_offset == CraftedImage::kMetaBlock * kBlockSize);
  CHECK(super->xattr_offset == CraftedImage::kXattrBlock * kBlockSize);
  CHECK(super->build_time == 1'700'000'000);
  CHECK(super->build_time_nsec == 5);
  const auto opened = image.Open();
  REQUIRE_OK(opened);
  CHECK(opened->inode_count() == 77);
}

TEST_CASE("each feature that is not read is refused by its name") {
  const std::pair<uint32_t, const char*> features[] = {
      {0x001, "compression"}, {0x002, "big clusters"},        {0x008, "devices"}, {0x010, "compressed tails"},
      {0x020, "fragments"},   {0x040, "xattr name prefixes"}, {0x080, "48-bit"},  {0x100, "metadata"},
      {0x200, "0x200"},       {0x80000000, "0x80000000"},
  };
  for (const auto& [bit, word] : features) {
    CraftedImage image;
    image.super.feature_incompat = bit | format::kErofsChunkedFile;
    image.PutSuperblock();
    const std::string message = RefusalOf(image);
    INFO(message);
    CHECK(message.find(word) != std::string::npos);
  }
}

TEST_CASE("other block sizes are refused by name") {
  CraftedImage image;
  image.super.block_bits = 14;
  image.PutSuperblock();
  CHECK(RefusalOf(image).find("2^14") != std::string::npos);
  image.super.block_bits = format::kErofsBlockBits;
  image.super.folder_block_bits = 2;
  image.PutSuperblock();
  CHECK(RefusalOf(image).find("folder blocks") != std::string::npos);
}

TEST_CASE("what is not EROFS, or not all of it, is corrupt") {
  CraftedImage image;
  const auto fails = [&](size_t size) {
    Bytes part = image.bytes;
    part.resize(size);
    REQUIRE_FAILS(ErrorCode::kCorrupt, Image::Open(std::make_shared<io::MemoryBlockSource>(part)));
  };
  fails(0);
  fails(1);
  fails(1023);
  fails(kBlockSize);
  fails(image.bytes.size() - kBlockSize);
  image.bytes[1024] ^= 1;
  fails(image.bytes.size());
  REQUIRE_FAILS(ErrorCode::kCorrupt, DecodeSuperblock(ByteSpan(image.bytes).first(1151), image.bytes.size()));
  REQUIRE_FAILS(ErrorCode::kCorrupt, DecodeSuperblock({}, 0));
}

TEST_CASE("a superblock that contradicts itself or its image is corrupt") {
  CraftedImage image;
  const auto fails = [&] {
    image.PutSuperblock();
    REQUIRE_FAILS(ErrorCode::kCorrupt, image.Open());
    image.super = CraftedImage().super;
  };
  image.super.blocks = CraftedImage::kBlocks + 1;
  fails();
  image.super.meta_block = CraftedImage::kBlocks;
  fails();
  image.super.meta_block = 0xFFFFFFFFU;
  fails();
  image.super.build_time_nsec = 1'000'000'000U;
  fails();
  image.super.extension_slots = 255;
  fails();
  image.super.root_nid = uint16_t{0xFFFF};  // beyond the image
  fails();
  image.super.root_nid = uint16_t{1};  // zeros: no type
  fails();
  image.PutSuperblock();
  REQUIRE_OK(image.Open());
  image.PutRaw(CraftedImage::OffsetOf(0), CraftedImage::Compact(0100644, 0));  // a file as root
  REQUIRE_FAILS(ErrorCode::kCorrupt, image.Open());
}

}  // namespace
}  // namespace veneer::erofs
