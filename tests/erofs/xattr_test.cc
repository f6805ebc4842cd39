// Xattrs made by hand, good and hostile. Those that mkfs.erofs writes are in mkfs_test.cc.
#include "fs/erofs/xattr_entry.h"
#include "tests/erofs/counting_source.h"
#include "tests/erofs/crafted_image.h"
#include "tests/support/catch.h"

namespace veneer::erofs {
namespace {

constexpr Nid kNid = 4;

// Inode kNid with these xattrs; `area` is what follows its header of 12 bytes.
CraftedImage ImageWith(uint8_t shared_count, const Bytes& area, std::optional<uint16_t> icount = {},
                       Nid nid = kNid) {
  CraftedImage image;
  auto raw = CraftedImage::Extended(0100644, 0);
  raw.xattr_icount = icount.value_or(static_cast<uint16_t>(1 + area.size() / 4));
  image.PutRaw(CraftedImage::OffsetOf(nid), raw);
  format::RawErofsXattrHeader header{};
  header.shared_count = shared_count;
  image.PutRaw(CraftedImage::OffsetOf(nid) + 64, header);
  image.Put(CraftedImage::OffsetOf(nid) + 76, area);
  return image;
}

Bytes Joined(const std::vector<Bytes>& parts) {
  Bytes joined;
  for (const Bytes& part : parts) joined.insert(joined.end(), part.begin(), part.end());
  return joined;
}

Bytes IdBytes(uint32_t id) {
  const Le32 raw = id;
  Bytes bytes(4);
  std::memcpy(bytes.data(), &raw, 4);
  return bytes;
}

// All xattrs as one line; GetXattr must agree with ListXattrs.
std::string Listed(const CraftedImage& crafted, Nid nid = kNid) {
  const auto image = crafted.Open();
  REQUIRE_OK(image);
  const auto inode = image->ReadInode(nid);
  REQUIRE_OK(inode);
  const auto xattrs = image->ListXattrs(*inode);
  REQUIRE_OK(xattrs);
  std::string line;
  for (const Xattr& xattr : *xattrs) {
    line += xattr.name + "=" + xattr.value + " ";
    const auto got = image->GetXattr(*inode, xattr.name);
    REQUIRE_OK(got);
    CHECK(*got == xattr.value);
  }
  return line;
}

// Everything that reads the xattrs must fail.
void Refuse(const CraftedImage& crafted) {
  const auto image = crafted.Open();
  REQUIRE_OK(image);
  const auto inode = image->ReadInode(kNid);
  REQUIRE_OK(inode);
  REQUIRE_FAILS(ErrorCode::kCorrupt, image->ListXattrs(*inode));
  REQUIRE_FAILS(ErrorCode::kCorrupt, image->GetXattr(*inode, "user.none"));
  const auto blocks = image->BlocksOf(*inode);
  REQUIRE_OK(blocks);  // tells what it can
  CHECK(blocks->front().begin == CraftedImage::kMetaBlock);
  CHECK(blocks->back().end <= CraftedImage::kBlocks);
  CHECK(image->ListXattrs(*inode).error().message().find("inode 4") != std::string::npos);
}

TEST_CASE("inline and shared xattrs are listed with their prefixes") {
  CraftedImage image =
      ImageWith(2, Joined({IdBytes(0), IdBytes(1021), XattrBytes(1, "a", "1"), XattrBytes(2, "", "acl"),
                           XattrBytes(3, "", ""), XattrBytes(5, "lustre", "?"), XattrBytes(0x81, "long", "?"),
                           XattrBytes(6, "capability", "c")}));
  image.Put(CraftedImage::OffsetOfBlock(CraftedImage::kXattrBlock), XattrBytes(4, "overlay.opaque", "y"));
  // One that crosses into the next block.
  image.Put(CraftedImage::OffsetOfBlock(CraftedImage::kXattrBlock) + 1021 * 4,
            XattrBytes(1, "far", "0123456789"));
  CHECK(Listed(image) ==
        "user.a=1 system.posix_acl_access=acl system.posix_acl_default= security.capability=c "
        "trusted.overlay.opaque=y user.far=0123456789 ");
  const auto opened = image.Open();
  const auto inode = opened->ReadInode(kNid);
  for (const char* absent :
       {"", "a", "user.", "user.b", "user.a ", "trusted.a", "system.posix_acl_accessx"}) {
    CHECK(!opened->GetXattr(*inode, absent).value());
  }
  const auto blocks = opened->BlocksOf(*inode);
  REQUIRE_OK(blocks);
  REQUIRE(blocks->size() == 2);
  CHECK((*blocks)[1].begin == CraftedImage::kXattrBlock);
  CHECK((*blocks)[1].end == CraftedImage::kXattrBlock + 2);
}

TEST_CASE("an xattr area may cross blocks, and holds values of up to 65535 bytes") {
  const std::string big(9000, 'v');
  CHECK(Listed(ImageWith(0, XattrBytes(1, "big", big), {}, 120), 120) == "user.big=" + big + " ");
  CHECK(Listed(ImageWith(0, {})) == "");
  CHECK(Listed(CraftedImage(), 0) == "");
}

TEST_CASE("a shared xattr outside the image is corrupt") {
  const uint32_t end = (CraftedImage::kBlocks - CraftedImage::kXattrBlock) * kBlockSize / 4;
  Refuse(ImageWith(1, IdBytes(end)));
  Refuse(ImageWith(1, IdBytes(0xFFFFFFFF)));
  CraftedImage image = ImageWith(1, IdBytes(end - 1));
  image.Put(image.bytes.size() - 4, XattrBytes(1, "", ""));  // just fits
  CHECK(Listed(image) == "user.= ");
  image.bytes[image.bytes.size() - 4] = 1;  // one byte of name more
  Refuse(image);
}

TEST_CASE("an xattr that reaches beyond its area is corrupt") {
  Bytes entry = XattrBytes(1, "name", "value...");
  CHECK(Listed(ImageWith(0, entry)) == "user.name=value... ");
  for (const auto& [at, value] :
       std::vector<std::pair<size_t, uint8_t>>{{0, 5}, {0, 255}, {2, 9}, {3, 1}, {3, 255}}) {
    Bytes bad = entry;
    bad[at] = value;
    Refuse(ImageWith(0, bad));
  }
  entry[5] = 0;
  Refuse(ImageWith(0, entry));  // a NUL in the name
}

TEST_CASE("a damaged shared xattr is still known to be of its inode") {
  CraftedImage crafted = ImageWith(3, Joined({IdBytes(1021), IdBytes(0xFFFFFFFF), IdBytes(2000)}));
  const uint64_t first = CraftedImage::OffsetOfBlock(CraftedImage::kXattrBlock);
  crafted.Put(first + 1021 * 4, XattrBytes(1, "far", "0123456789"));
  crafted.Put(first + 2000 * 4, XattrBytes(1, "farther", "0123456789"));
  auto source = std::make_shared<CountingSource>(crafted.Source());
  const auto image = Image::Open(source);
  const auto inode = image->ReadInode(kNid);
  const auto blocks = [&](uint64_t bad) {
    source->bad_block = bad;
    REQUIRE_FAILS(ErrorCode::kCorrupt, image->ListXattrs(*inode));
    std::vector<std::pair<uint64_t, uint64_t>> ranges;
    const auto found = image->BlocksOf(*inode);
    REQUIRE_OK(found);
    for (const BlockRange& range : *found) ranges.emplace_back(range.begin, range.end);
    return ranges;
  };
  const std::vector<std::pair<uint64_t, uint64_t>> both = {{1, 2}, {4, 6}};
  CHECK(blocks(5) == both);
  CHECK(blocks(4) == both);
  CHECK(blocks(1) == std::vector<std::pair<uint64_t, uint64_t>>{{1, 2}});
  source->bad_block.reset();
  source->fail_with = ErrorCode::kIo;
  REQUIRE_FAILS(ErrorCode::kIo, image->BlocksOf(*inode));
}

TEST_CASE("an xattr area whose ids do not fit is corrupt") {
  Refuse(ImageWith(1, {}));
  Refuse(ImageWith(255, Bytes(254 * 4)));
  CHECK(Listed(ImageWith(255, Bytes(255 * 4))) == "");  // each id names zeros: an unknown index
}

TEST_CASE("decoding stays within any prefix of an area") {
  const Bytes entry = XattrBytes(6, "capability", "0123456789abcdef");
  for (size_t size = 0; size < 30; ++size) {
    REQUIRE_FAILS(ErrorCode::kCorrupt, DecodeXattrEntry(ByteSpan(entry).first(size)));
  }
  REQUIRE_OK(DecodeXattrEntry(ByteSpan(entry).first(30)));
  const Bytes area(12 + 4);
  for (size_t size = 0; size < 12; ++size) {
    REQUIRE_FAILS(ErrorCode::kCorrupt, DecodeXattrArea(ByteSpan(area).first(size)));
  }
  REQUIRE_OK(DecodeXattrArea(area));
}

}  // namespace
}  // namespace veneer::erofs
