// Lookup and DirCursor over folders made by hand, good and hostile.
#include "fs/erofs/dir_cursor.h"
#include "tests/erofs/crafted_image.h"
#include "tests/support/catch.h"

namespace veneer::erofs {
namespace {

// A root of several blocks; each but the last is padded to 4096 bytes.
CraftedImage ImageWith(const std::vector<std::vector<CraftedEntry>>& blocks) {
  Bytes content;
  for (const auto& entries : blocks) {
    content.resize(BlocksFor(content.size()) * kBlockSize);
    const Bytes block = FolderBytes(entries);
    content.insert(content.end(), block.begin(), block.end());
  }
  CraftedImage image;
  image.PutRoot(content);
  return image;
}

const std::vector<std::vector<CraftedEntry>> kThreeBlocks = {
    {{".", 0}, {"..", 0}, {"a", 1}, {"b", 2}}, {{"c", 3}, {"e", 4}}, {{"g", 5}}};

// The names from where the cursor is, to the end.
std::string Rest(DirCursor& cursor) {
  std::string names;
  while (cursor.entry() != nullptr) {
    names.append(cursor.entry()->name).append(" ");
    REQUIRE_OK(cursor.Next());
  }
  REQUIRE_OK(cursor.Next());  // stays at the end
  return names;
}

struct Opened {
  explicit Opened(const CraftedImage& crafted) : image(*crafted.Open()), root(*image.ReadInode(0)) {}
  Image image;
  Inode root;
};

TEST_CASE("a cursor goes through all blocks in order") {
  const Opened opened(ImageWith(kThreeBlocks));
  auto cursor = DirCursor::Open(opened.image, opened.root);
  REQUIRE_OK(cursor);
  CHECK(Rest(*cursor) == ". .. a b c e g ");
  REQUIRE_OK(cursor->SeekTo(1, 1));
  REQUIRE(cursor->entry() != nullptr);
  CHECK(cursor->entry()->nid == 4);
  CHECK(cursor->entry()->block == 1);
  CHECK(cursor->entry()->index == 1);
  CHECK(Rest(*cursor) == "e g ");
}

TEST_CASE("a cookie that is stale or forged seeks to what is behind it") {
  const Opened opened(ImageWith(kThreeBlocks));
  auto cursor = DirCursor::Open(opened.image, opened.root);
  const auto from = [&](uint32_t block, uint16_t index) {
    REQUIRE_OK(cursor->SeekTo(block, index));
    return Rest(*cursor);
  };
  CHECK(from(0, 3) == "b c e g ");
  CHECK(from(0, 4) == "c e g ");
  CHECK(from(0, 65535) == "c e g ");
  CHECK(from(2, 0) == "g ");
  CHECK(from(2, 1) == "");
  CHECK(from(3, 0) == "");
  CHECK(from(0xFFFFFFFF, 65535) == "");
  CHECK(from(0, 0) == ". .. a b c e g ");
}

TEST_CASE("a cursor seeks by name") {
  const Opened opened(ImageWith(kThreeBlocks));
  auto cursor = DirCursor::Open(opened.image, opened.root);
  const auto from = [&](std::string_view name) {
    REQUIRE_OK(cursor->SeekName(name));
    const std::string names = Rest(*cursor);
    REQUIRE_OK(cursor->SeekBehind(name));
    const std::string behind = Rest(*cursor);
    return names == behind ? names : names + "| " + behind;
  };
  CHECK(from("") == ". .. a b c e g ");
  CHECK(from("a") == "a b c e g | b c e g ");
  CHECK(from("b") == "b c e g | c e g ");
  CHECK(from("bb") == "c e g ");
  CHECK(from("c") == "c e g | e g ");
  CHECK(from("d") == "e g ");
  CHECK(from("f") == "g ");
  CHECK(from("g") == "g | ");
  CHECK(from("h") == "");
}

TEST_CASE("a name is found in whichever block, and nothing else is") {
  const Opened opened(ImageWith(kThreeBlocks));
  for (const auto& block : kThreeBlocks) {
    for (const CraftedEntry& entry : block) {
      const auto found = opened.image.Lookup(opened.root, entry.name);
      REQUIRE_OK(found);
      REQUIRE(found->has_value());
      CHECK((*found)->nid == entry.nid);
      CHECK((*found)->name == entry.name);
    }
  }
  for (const char* absent : {"", "0", "-", "aa", "bb", "d", "f", "h", "\xFF", "a/b", "..."}) {
    CHECK(!opened.image.Lookup(opened.root, absent).value());
  }
  CHECK(!opened.image.Lookup(opened.root, std::string(5000, 'a')).value());
}

TEST_CASE("names of 255 bytes are found and listed") {
  std::vector<CraftedEntry> entries;
  for (Nid nid = 0; nid < 15; ++nid) entries.push_back({std::string(255, static_cast<char>('a' + nid)), nid});
  const Opened opened(ImageWith({entries, {{std::string(255, '\xFF'), 15}}}));
  auto cursor = DirCursor::Open(opened.image, opened.root);
  REQUIRE_OK(cursor);
  CHECK(Rest(*cursor).size() == 16 * 256);
  CHECK(opened.image.Lookup(opened.root, entries[14].name).value()->nid == 14);
  CHECK(opened.image.Lookup(opened.root, std::string(255, '\xFF')).value()->nid == 15);
  CHECK(!opened.image.Lookup(opened.root, std::string(254, '\xFF')).value());
  CHECK(!opened.image.Lookup(opened.root, std::string(256, '\xFF')).value());
}

TEST_CASE("an empty folder has no entries") {
  const Opened opened{CraftedImage()};
  auto cursor = DirCursor::Open(opened.image, opened.root);
  REQUIRE_OK(cursor);
  CHECK(cursor->entry() == nullptr);
  REQUIRE_OK(cursor->SeekName("x"));
  CHECK(cursor->entry() == nullptr);
  CHECK(!opened.image.Lookup(opened.root, "x").value());
}

TEST_CASE("a file is no folder") {
  CraftedImage crafted;
  crafted.PutRaw(CraftedImage::OffsetOf(4), CraftedImage::Compact(0100644, 100));
  const auto image = crafted.Open();
  const auto file = image->ReadInode(4);
  REQUIRE_FAILS(ErrorCode::kCorrupt, DirCursor::Open(*image, *file));
  REQUIRE_FAILS(ErrorCode::kCorrupt, image->Lookup(*file, "x"));
}

// Goes on until an error, which there must be.
Error FirstError(const Opened& opened) {
  auto cursor = DirCursor::Open(opened.image, opened.root);
  if (!cursor) return cursor.error();
  for (int i = 0; i < 10000; ++i) {
    const Status status = cursor->Next();
    if (!status) {
      CHECK(cursor->entry() == nullptr);
      return status.error();
    }
  }
  FAIL("no error");
  return {ErrorCode::kFailed, ""};
}

TEST_CASE("names that do not grow are corrupt, within a block and across") {
  const std::vector<std::vector<std::vector<CraftedEntry>>> folders = {
      {{{"b", 1}, {"a", 2}}},
      {{{"a", 1}, {"a", 2}}},
      {{{"a", 1}, {"c", 2}}, {{"b", 3}}},
      {{{"a", 1}}, {{"a", 2}}},
  };
  for (const auto& folder : folders) {
    const Error error = FirstError(Opened(ImageWith(folder)));
    CHECK(error.code() == ErrorCode::kCorrupt);
    CHECK(error.message().find("not sorted") != std::string::npos);
  }
}

TEST_CASE("one block of entries repeated without end does end") {
  CraftedImage crafted = ImageWith({{{"a", 1}, {"b", 2}}});
  auto raw = CraftedImage::Extended(0040755, 700 * uint64_t{kBlockSize}, format::kErofsChunkBased);
  raw.data = 0U;
  crafted.PutRaw(CraftedImage::OffsetOf(0), raw);
  for (uint64_t i = 0; i < 700; ++i)
    crafted.PutRaw(CraftedImage::OffsetOf(2) + i * 4, Le32(CraftedImage::kDataBlock));
  CHECK(FirstError(Opened(crafted)).code() == ErrorCode::kCorrupt);
}

TEST_CASE("a hole in a folder is corrupt") {
  CraftedImage crafted;
  auto raw = CraftedImage::Extended(0040755, kBlockSize, format::kErofsChunkBased);
  raw.data = 0U;
  crafted.PutRaw(CraftedImage::OffsetOf(0), raw);
  crafted.PutRaw(CraftedImage::OffsetOf(2), Le32(format::kErofsNullBlock));
  const Opened opened(crafted);
  REQUIRE_FAILS(ErrorCode::kCorrupt, DirCursor::Open(opened.image, opened.root));
  REQUIRE_FAILS(ErrorCode::kCorrupt, opened.image.Lookup(opened.root, "a"));
  raw.size = ~uint64_t{0} >> 1;
  raw.data = 31U;
  crafted.PutRaw(CraftedImage::OffsetOf(0), raw);
  REQUIRE_FAILS(ErrorCode::kCorrupt, crafted.Open());
}

TEST_CASE("an entry that names an inode outside the image is corrupt") {
  const Opened opened(ImageWith({{{"a", 1}, {"b", Nid{1} << 40}, {"c", ~Nid{0}}}}));
  REQUIRE_FAILS(ErrorCode::kCorrupt, opened.image.Lookup(opened.root, "b"));
  REQUIRE_FAILS(ErrorCode::kCorrupt, opened.image.Lookup(opened.root, "c"));
  REQUIRE_OK(opened.image.Lookup(opened.root, "a"));
  CHECK(FirstError(opened).message().find("outside the image") != std::string::npos);
}

TEST_CASE("a damaged block of entries is corrupt for lookup and cursor") {
  CraftedImage crafted = ImageWith(kThreeBlocks);
  crafted.bytes[CraftedImage::OffsetOfBlock(CraftedImage::kDataBlock + 1) + 8] = 0;  // its first name offset
  const Opened opened(crafted);
  const Error error = FirstError(opened);
  CHECK(error.message().find("folder inode 0, block 1") != std::string::npos);
  REQUIRE_FAILS(ErrorCode::kCorrupt, opened.image.Lookup(opened.root, "c"));
  auto cursor = DirCursor::Open(opened.image, opened.root);
  REQUIRE_FAILS(ErrorCode::kCorrupt, cursor->SeekName("c"));
  CHECK(cursor->entry() == nullptr);
  REQUIRE_OK(cursor->SeekTo(2, 0));  // what is whole can still be read
  CHECK(cursor->entry()->name == "g");
}

TEST_CASE("a folder that holds itself is one more folder") {
  const Opened opened(ImageWith({{{".", 0, 2}, {"..", 0, 2}, {"self", 0, 2}}}));
  Inode folder = opened.root;
  for (int depth = 0; depth < 100; ++depth) {
    const auto found = opened.image.Lookup(folder, "self");
    REQUIRE_OK(found);
    folder = *opened.image.ReadInode((*found)->nid);
  }
  CHECK(folder.nid == opened.root.nid);  // who walks can see that it came back
}

}  // namespace
}  // namespace veneer::erofs
