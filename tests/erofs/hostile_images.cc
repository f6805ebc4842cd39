#include "tests/erofs/hostile_images.h"

#include <string_view>
#include <utility>

#include "tests/erofs/crafted_image.h"

namespace veneer::erofs {
namespace {

// Five blocks: superblock, inodes, and the root's entries, a folder's and a file's.
constexpr uint32_t kRootBlock = 2;
constexpr uint32_t kFolderBlock = 3;
constexpr uint32_t kFileBlock = 4;
constexpr uint32_t kBlocks = 5;

// Each takes two slots of 32 bytes.
constexpr Nid kRoot = 0;
constexpr Nid kFolder = 2;
constexpr Nid kFile = 4;

constexpr uint8_t kFolderType = format::kErofsTypeFolder;
constexpr uint64_t kTopBit = uint64_t{1} << 63;

using Entries = std::vector<CraftedEntry>;

const Entries kRootEntries = {
    {".", kRoot, kFolderType}, {"..", kRoot, kFolderType}, {"file", kFile}, {"folder", kFolder, kFolderType}};
const Entries kFolderEntries = {{".", kFolder, kFolderType}, {"..", kRoot, kFolderType}, {"inner", kFile}};

// A whole image without a lie: the root with `file` and `folder`, and in that `inner`, the same file.
CraftedImage GoodImage() {
  CraftedImage image;
  image.super.blocks = kBlocks;
  image.super.xattr_block = kFileBlock;
  image.PutSuperblock();
  image.bytes.resize(size_t{kBlocks} * kBlockSize);
  image.PutFolder(kRoot, kRootBlock, FolderBytes(kRootEntries));
  image.PutFolder(kFolder, kFolderBlock, FolderBytes(kFolderEntries));
  auto file = CraftedImage::Extended(0100644, 100);
  file.data = kFileBlock;
  image.PutRaw(CraftedImage::OffsetOf(kFile), file);
  return image;
}

// `content` in the place of the folder's entries.
Bytes WithFolder(ByteSpan content) {
  CraftedImage image = GoodImage();
  image.PutFolder(kFolder, kFolderBlock, content);
  return image.bytes;
}

// The name of entry `index` of a folder of three said to begin at byte `offset` of a whole block.
Bytes WithNameAt(size_t index, uint16_t offset) {
  Bytes content = FolderBytes(kFolderEntries);
  content.resize(kBlockSize);
  const Le16 raw = offset;
  std::memcpy(content.data() + index * sizeof(format::RawErofsDirent) + 8, &raw, sizeof raw);
  return WithFolder(content);
}

Bytes WithName(std::string name) {
  Entries entries = kFolderEntries;
  entries.back().name = std::move(name);
  return WithFolder(FolderBytes(entries));
}

// The folder with one more entry, which names a folder that it lies in, or itself.
Bytes WithLoop(std::string name, Nid nid) {
  Entries entries = kFolderEntries;
  entries.push_back({std::move(name), nid, kFolderType});
  return WithFolder(FolderBytes(entries));
}

// An inode of `mode` said to hold `size` bytes, in the place of the file or of the folder.
Bytes WithSize(Nid nid, uint16_t mode, uint64_t size, uint16_t layout = format::kErofsFlatPlain) {
  CraftedImage image = GoodImage();
  auto raw = CraftedImage::Extended(mode, size, layout);
  raw.data = layout == format::kErofsChunkBased ? 0 : nid == kFolder ? kFolderBlock : kFileBlock;
  image.PutRaw(CraftedImage::OffsetOf(nid), raw);
  return image.bytes;
}

// Two folders that hold each other, below a root that names one of them.
Bytes WithTwoInEachOther() {
  CraftedImage image = GoodImage();
  image.PutFolder(kFolder, kFolderBlock, FolderBytes({{"down", kFile, kFolderType}}));
  image.PutFolder(kFile, kFileBlock, FolderBytes({{"up", kFolder, kFolderType}}));
  image.PutFolder(kRoot, kRootBlock, FolderBytes({{"folder", kFolder, kFolderType}}));
  return image.bytes;
}

}  // namespace

std::vector<HostileImage> HostileImages() {
  const uint16_t entry = sizeof(format::RawErofsDirent);
  const uint16_t names = 3 * entry;  // where the names of the folder's three entries begin
  return {
      {"none", GoodImage().bytes},

      // Where the first name is says how many entries there are.
      {"first-name-behind-block", WithNameAt(0, 342 * entry)},
      {"first-name-at-end-of-block", WithNameAt(0, kBlockSize)},
      {"first-name-between-entries", WithNameAt(0, names + 1)},
      {"first-name-in-first-entry", WithNameAt(0, 0)},
      {"first-name-in-second-entry", WithNameAt(0, entry)},
      {"first-name-too-far", WithNameAt(0, names + 2 * entry)},
      {"name-behind-block", WithNameAt(1, 5000)},
      {"name-far-behind-block", WithNameAt(1, 65535)},
      {"name-before-the-one-in-front", WithNameAt(1, names + 5)},
      {"name-in-entries", WithNameAt(1, entry)},
      {"last-name-in-entries", WithNameAt(2, 2 * entry)},
      {"last-name-at-end-of-block", WithNameAt(2, kBlockSize)},
      {"last-name-in-zeros", WithNameAt(2, kBlockSize - 1)},

      {"name-of-255", WithName(std::string(255, 'n'))},
      {"name-of-256", WithName(std::string(256, 'n'))},
      {"name-to-end-of-block", WithName(std::string(kBlockSize - names - 3, 'n'))},

      {"file-size-top-bit", WithSize(kFile, 0100644, kTopBit | 100)},
      {"file-size-minus-one", WithSize(kFile, 0100644, ~uint64_t{0})},
      {"file-size-largest", WithSize(kFile, 0100644, kTopBit - 1)},
      {"file-one-block-too-long", WithSize(kFile, 0100644, kBlockSize + 1)},
      {"inline-size-largest", WithSize(kFile, 0100644, kTopBit - 1, format::kErofsFlatInline)},
      {"chunked-size-largest", WithSize(kFile, 0100644, kTopBit - 1, format::kErofsChunkBased)},
      {"symlink-size-top-bit", WithSize(kFile, 0120777, kTopBit | 10)},
      {"symlink-beyond-any-path", WithSize(kFile, 0120777, kBlockSize)},
      {"folder-size-top-bit", WithSize(kFolder, 0040755, kTopBit | 100)},
      {"folder-size-largest", WithSize(kFolder, 0040755, kTopBit - 1)},
      {"folder-beyond-image", WithSize(kFolder, 0040755, 3 * kBlockSize)},
      {"folder-reaches-into-file", WithSize(kFolder, 0040755, 2 * kBlockSize)},
      {"root-size-top-bit", WithSize(kRoot, 0040755, kTopBit | 100)},

      {"folder-in-itself", WithLoop("self", kFolder)},
      {"parent-in-folder", WithLoop("up", kRoot)},
      {"two-folders-in-each-other", WithTwoInEachOther()},
  };
}

}  // namespace veneer::erofs
