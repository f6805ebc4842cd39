// Walking images, good and hostile.
#include "fs/erofs/walk.h"

#include <algorithm>

#include "tests/erofs/counting_source.h"
#include "tests/erofs/crafted_image.h"
#include "tests/support/catch.h"

namespace veneer::erofs {
namespace {

constexpr uint8_t kFolderType = format::kErofsTypeFolder;

// Makes nid `nid` a folder with `entries` in data block `block` behind kDataBlock.
void PutFolder(CraftedImage& image, Nid nid, uint32_t block, const std::vector<CraftedEntry>& entries) {
  image.PutFolder(nid, CraftedImage::kDataBlock + block, FolderBytes(entries));
}

void PutFile(CraftedImage& image, Nid nid) {
  image.PutRaw(CraftedImage::OffsetOf(nid), CraftedImage::Extended(0100644, 0));
}

// What a walk visits, a word for each: "PATH", or "PATH!" for an error.
std::vector<std::string> Visits(const Image& image) {
  std::vector<std::string> visits;
  REQUIRE_OK(Walk(image, [&](const std::string& path, Nid nid, const Result<Inode>& inode) -> Status {
    if (inode) CHECK(inode->nid == nid);
    visits.push_back(inode ? path : path + "!");
    return {};
  }));
  return visits;
}

using Words = std::vector<std::string>;

// The root with a file "a", a folder "b" that holds "b/x", and a file "c".
CraftedImage SmallTree() {
  CraftedImage image;
  PutFolder(image, 0, 0,
            {{".", 0, kFolderType}, {"..", 0, kFolderType}, {"a", 2}, {"b", 4, kFolderType}, {"c", 8}});
  PutFolder(image, 4, 1, {{".", 4, kFolderType}, {"..", 0, kFolderType}, {"x", 6}});
  for (const Nid file : {Nid{2}, Nid{6}, Nid{8}}) PutFile(image, file);
  return image;
}

TEST_CASE("a walk meets each path once, folders before what they hold") {
  const auto image = SmallTree().Open();
  REQUIRE_OK(image);
  CHECK(Visits(*image) == Words{"", "a", "b", "b/x", "c"});
}

TEST_CASE("a walk ends where it is told to") {
  const auto image = SmallTree().Open();
  REQUIRE_OK(image);
  Words visits;
  const Status status = Walk(*image, [&](const std::string& path, Nid, const Result<Inode>&) -> Status {
    visits.push_back(path);
    if (path == "b") return Fail(ErrorCode::kInterrupted, "enough");
    return {};
  });
  REQUIRE_FAILS(ErrorCode::kInterrupted, status);
  CHECK(visits == Words{"", "a", "b"});
}

TEST_CASE("an inode that cannot be read is told, and the walk goes on") {
  CraftedImage crafted = SmallTree();
  crafted.PutRaw(CraftedImage::OffsetOf(2), CraftedImage::Extended(0, 0));  // no type of file
  const auto image = crafted.Open();
  REQUIRE_OK(image);
  CHECK(Visits(*image) == Words{"", "a!", "b", "b/x", "c"});
}

TEST_CASE("a folder whose entries cannot be read is told behind its visit, and the walk goes on") {
  const auto source = std::make_shared<CountingSource>(SmallTree().Source());
  const auto image = Image::Open(source);
  REQUIRE_OK(image);
  source->bad_block = CraftedImage::kDataBlock + 1;
  CHECK(Visits(*image) == Words{"", "a", "b", "b!", "c"});
}

TEST_CASE("a folder inside itself does not make a walk endless") {
  CraftedImage crafted = SmallTree();
  PutFolder(crafted, 4, 1,
            {{".", 4, kFolderType},
             {"..", 0, kFolderType},
             {"root", 0, kFolderType},
             {"self", 4, kFolderType},
             {"x", 6}});
  const auto image = crafted.Open();
  REQUIRE_OK(image);
  CHECK(Visits(*image) == Words{"", "a", "b", "b/root", "b/root!", "b/self", "b/self!", "b/x", "c"});
}

TEST_CASE("hard links are met by each of their paths") {
  CraftedImage crafted = SmallTree();
  PutFolder(crafted, 4, 1, {{".", 4, kFolderType}, {"..", 0, kFolderType}, {"a-too", 2}});
  const auto image = crafted.Open();
  REQUIRE_OK(image);
  CHECK(Visits(*image) == Words{"", "a", "b", "b/a-too", "c"});
}

}  // namespace
}  // namespace veneer::erofs
