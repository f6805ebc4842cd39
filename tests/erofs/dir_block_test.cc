#include "fs/erofs/dir_block.h"

#include <dirent.h>

#include "tests/erofs/crafted_image.h"
#include "tests/support/catch.h"

namespace veneer::erofs {
namespace {

void SetNameOffset(Bytes& bytes, size_t index, uint16_t offset) {
  const Le16 raw = offset;
  std::memcpy(bytes.data() + index * 12 + 8, &raw, sizeof raw);
}

// Asks for everything; whatever the bytes, nothing outside may be read (the address sanitizer watches).
Status ReadAll(ByteSpan bytes) {
  VENEER_ASSIGN(const DirBlock block, DirBlock::Decode(bytes));
  for (uint16_t i = 0; i < block.size(); ++i) {
    VENEER_ASSIGN(const DirBlock::Entry entry, block.At(i));
    VENEER_ASSIGN(const uint16_t found, block.LowerBound(entry.name));
    if (found > block.size()) return Fail(ErrorCode::kFailed, "found behind the end");
  }
  return {};
}

TEST_CASE("a block of a folder gives its entries") {
  const Bytes bytes = FolderBytes({{".", 1, 2},
                                   {"..", 2, 2},
                                   {"a", 3, 1},
                                   {"b\xFF", 4, 3},
                                   {"c", 5, 4},
                                   {"d", 6, 5},
                                   {"e", 7, 6},
                                   {"f", 8, 7},
                                   {"g", 9, 0},
                                   {"h", 10, 99}});
  const auto block = DirBlock::Decode(bytes);
  REQUIRE_OK(block);
  REQUIRE(block->size() == 10);
  const uint8_t types[] = {DT_DIR,  DT_DIR,  DT_REG, DT_CHR,     DT_BLK,
                           DT_FIFO, DT_SOCK, DT_LNK, DT_UNKNOWN, DT_UNKNOWN};
  for (uint16_t i = 0; i < 10; ++i) {
    REQUIRE_OK(block->At(i));
    CHECK(block->At(i)->nid == i + 1U);
    CHECK(block->At(i)->type == types[i]);
  }
  CHECK(block->At(3)->name == "b\xFF");
  CHECK(*block->LowerBound("") == 0);
  CHECK(*block->LowerBound("a") == 2);
  CHECK(*block->LowerBound("aa") == 3);
  CHECK(*block->LowerBound("h") == 9);
  CHECK(*block->LowerBound("i") == 10);
}

TEST_CASE("the last name ends with the block or at the first NUL") {
  Bytes bytes = FolderBytes({{"a", 1}, {"bc", 2}});
  CHECK(DirBlock::Decode(bytes)->At(1)->name == "bc");
  bytes.resize(kBlockSize);
  CHECK(DirBlock::Decode(bytes)->At(1)->name == "bc");
}

TEST_CASE("a name has 1 to 255 bytes, without slash and NUL") {
  REQUIRE_OK(ReadAll(FolderBytes({{std::string(255, 'x'), 1}, {"y", 2}})));
  REQUIRE_FAILS(ErrorCode::kCorrupt, ReadAll(FolderBytes({{std::string(256, 'x'), 1}, {"y", 2}})));
  REQUIRE_FAILS(ErrorCode::kCorrupt, ReadAll(FolderBytes({{"a", 1}, {std::string(256, 'x'), 2}})));
  REQUIRE_FAILS(ErrorCode::kCorrupt, ReadAll(FolderBytes({{"a/b", 1}, {"c", 2}})));
  REQUIRE_FAILS(ErrorCode::kCorrupt, ReadAll(FolderBytes({{"a", 1}, {"/", 2}})));
  REQUIRE_FAILS(ErrorCode::kCorrupt, ReadAll(FolderBytes({{std::string("a\0b", 3), 1}, {"c", 2}})));
  REQUIRE_FAILS(ErrorCode::kCorrupt, ReadAll(FolderBytes({{"", 1}, {"c", 2}})));
  REQUIRE_FAILS(ErrorCode::kCorrupt, ReadAll(FolderBytes({{"a", 1}, {std::string("\0b", 2), 2}})));
}

TEST_CASE("the first name says how many entries there are, and may not lie") {
  const Bytes good = FolderBytes({{"a", 1}, {"b", 2}, {"c", 3}});
  for (const auto offset :
       std::initializer_list<uint16_t>{0, 1, 11, 13, 35, 37, 39, 4096, 4104, 65532, 65535}) {
    Bytes bytes = good;
    SetNameOffset(bytes, 0, offset);
    REQUIRE_FAILS(ErrorCode::kCorrupt, DirBlock::Decode(bytes));
  }
  for (size_t size = 0; size <= 36; ++size) {
    REQUIRE_FAILS(ErrorCode::kCorrupt, DirBlock::Decode(ByteSpan(good).first(size)));
  }
  REQUIRE_FAILS(ErrorCode::kCorrupt, DirBlock::Decode(Bytes(kBlockSize + 1)));
}

TEST_CASE("a name outside the block is corrupt") {
  const Bytes good = FolderBytes({{"a", 1}, {"b", 2}, {"c", 3}});
  REQUIRE_OK(ReadAll(good));
  for (size_t index = 1; index < 3; ++index) {
    for (const auto offset : std::initializer_list<uint16_t>{0, 12, 35, 36, 39, 40, 4096, 65535}) {
      Bytes bytes = good;
      SetNameOffset(bytes, index, offset);
      INFO(index << " " << offset);
      REQUIRE_FAILS(ErrorCode::kCorrupt, ReadAll(bytes));
    }
  }
}

TEST_CASE("names that are not sorted do not make a search run away") {
  const Bytes bytes = FolderBytes({{"z", 1}, {"m", 2}, {"a", 3}, {"m", 4}, {"b", 5}});
  REQUIRE_OK(ReadAll(bytes));
}

}  // namespace
}  // namespace veneer::erofs
