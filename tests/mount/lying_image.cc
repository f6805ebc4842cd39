#include "tests/mount/lying_image.h"

#include <algorithm>
#include <cstring>
#include <functional>

#include "tests/erofs/crafted_image.h"

namespace veneer::test {
namespace {

using erofs::CraftedEntry;
using erofs::CraftedImage;
using erofs::Nid;
using Extended = format::RawErofsInodeExtended;

constexpr uint16_t kFile = 0100644;
constexpr uint16_t kFolder = 0040755;
constexpr uint16_t kSymlink = 0120777;
constexpr Nid kFirst = 4;
constexpr Nid kStep = 8;  // room for an extended inode and as much behind it
constexpr uint64_t kBehindInode = sizeof(Extended);

// Blocks of the crafted image.
constexpr uint32_t kHonestBlock = CraftedImage::kDataBlock + 1;
constexpr uint32_t kSecretBlock = CraftedImage::kDataBlock + 2;
constexpr uint32_t kFirstFree = CraftedImage::kDataBlock + 3;

class Maker {
 public:
  Maker() {
    image_.Put(CraftedImage::OffsetOfBlock(kHonestBlock), AsBytes(std::string_view(kHonestContent)));
    for (uint64_t at = 0; at + std::strlen(kSecret) < kBlockSize; at += std::strlen(kSecret)) {
      image_.Put(CraftedImage::OffsetOfBlock(kSecretBlock) + at, AsBytes(std::string_view(kSecret)));
    }
    for (const std::string& name : HonestFiles()) Add(name, HonestFile());
    AddSizes();
    AddFolders();
    AddLinks();
    AddXattrs();
    AddRest();
  }

  Bytes Finish() {
    entries_.push_back({".", 0, format::kErofsTypeFolder});
    entries_.push_back({"..", 0, format::kErofsTypeFolder});
    std::sort(entries_.begin(), entries_.end(),
              [](const CraftedEntry& a, const CraftedEntry& b) { return a.name < b.name; });
    image_.PutRoot(erofs::FolderBytes(entries_));
    return image_.bytes;
  }

 private:
  static Extended HonestFile() {
    Extended raw = CraftedImage::Extended(kFile, std::strlen(kHonestContent));
    raw.data = kHonestBlock;
    return raw;
  }

  static Extended Sized(uint16_t mode, uint64_t size, uint16_t layout = 0) {
    Extended raw = CraftedImage::Extended(mode, size, layout);
    raw.data = layout == format::kErofsChunkBased ? 0 : kSecretBlock;
    return raw;
  }

  Nid Add(const std::string& name, const Extended& raw, uint8_t type = format::kErofsTypeRegular) {
    const Nid nid = kFirst + entries_.size() * kStep;
    image_.PutRaw(CraftedImage::OffsetOf(nid), raw);
    entries_.push_back({name, nid, type});
    return nid;
  }

  void AddSizes() {
    Add("size-beyond", Sized(kFile, 1 << 20));
    Add("size-negative", Sized(kFile, ~uint64_t{0}));
    Add("size-huge-in-chunks", Sized(kFile, uint64_t{1} << 62, format::kErofsChunkBased));
    const Nid chunk = Add("chunk-outside", Sized(kFile, 4096, format::kErofsChunkBased));
    image_.PutRaw(CraftedImage::OffsetOf(chunk) + kBehindInode, Le32(9999));
    Add("tail-crosses", Sized(kFile, 4095, format::kErofsFlatInline));
    Extended outside = Sized(kFile, 100);
    outside.data = 0xFFFFFFF0U;
    Add("block-outside", outside);
  }

  // A folder whose entries are the two dots and `child`; with nid 0 for its own.
  void AddFolder(const std::string& name, CraftedEntry child) {
    Extended raw = CraftedImage::Extended(kFolder, 0);
    const uint32_t block = free_++;
    const Nid nid = kFirst + entries_.size() * kStep;
    if (child.name == "self") child.nid = nid;
    const Bytes bytes = erofs::FolderBytes(
        {{".", nid, format::kErofsTypeFolder}, {"..", 0, format::kErofsTypeFolder}, std::move(child)});
    raw.size = bytes.size();
    raw.data = block;
    image_.Put(CraftedImage::OffsetOfBlock(block), bytes);
    Add(name, raw, format::kErofsTypeFolder);
  }

  void AddFolders() {
    Add("folder-beyond", Sized(kFolder, 1 << 20), format::kErofsTypeFolder);
    Add("folder-huge", Sized(kFolder, uint64_t{1} << 60), format::kErofsTypeFolder);
    Add("folder-short", Sized(kFolder, 5), format::kErofsTypeFolder);
    Add("folder-of-other-bytes", Sized(kFolder, 4096), format::kErofsTypeFolder);
    AddFolder("folder-entry-outside", {"ghost", Nid{1} << 40, format::kErofsTypeRegular});
    AddFolder("folder-entry-masked", {"ghost", (Nid{1} << 48) + kFirst, format::kErofsTypeRegular});
    AddFolder("folder-loop", {"up", 0, format::kErofsTypeFolder});
    AddFolder("folder-in-itself", {"self", 0, format::kErofsTypeFolder});
  }

  void AddLinks() {
    Add("link-empty", Sized(kSymlink, 0), format::kErofsTypeSymlink);
    Add("link-long", Sized(kSymlink, 5000), format::kErofsTypeSymlink);
    Extended nul = Sized(kSymlink, std::strlen(kHonestContent) + 1);
    nul.data = kHonestBlock;
    Add("link-with-nul", nul, format::kErofsTypeSymlink);
  }

  void AddXattrs() {
    Extended beyond = HonestFile();
    beyond.xattr_icount = uint16_t{0xFFFF};
    Add("xattrs-beyond", beyond);

    Extended shared = HonestFile();
    shared.xattr_icount = uint16_t{4};  // a header and 12 bytes
    format::RawErofsXattrHeader header{};
    header.shared_count = 200;
    image_.PutRaw(CraftedImage::OffsetOf(Add("xattrs-shared", shared)) + kBehindInode, header);

    format::RawErofsXattrEntry entry{};
    entry.name_size = 3;
    entry.name_index = format::kErofsXattrUser;
    entry.value_size = uint16_t{60000};
    const uint64_t place = CraftedImage::OffsetOf(Add("xattr-value", shared)) + kBehindInode;
    image_.PutRaw(place + sizeof header, entry);
  }

  void AddRest() {
    Add("no-type", Sized(0644, 10));
    Extended time = HonestFile();
    time.mtime_nsec = 2'000'000'000U;
    Add("time", time);
    Add("compressed", Sized(kFile, 10, format::kErofsCompressedFull));
    Add("file-listed-as-folder", HonestFile(), format::kErofsTypeFolder);
  }

  CraftedImage image_;
  std::vector<CraftedEntry> entries_;
  uint32_t free_ = kFirstFree;
};

}  // namespace

const std::vector<Lie>& Lies() {
  static const std::vector<Lie> lies = {
      {"size-beyond", FailsAt::kStat, ""},
      {"size-negative", FailsAt::kStat, ""},
      {"size-huge-in-chunks", FailsAt::kStat, ""},
      {"chunk-outside", FailsAt::kRead, ""},
      {"tail-crosses", FailsAt::kStat, ""},
      {"block-outside", FailsAt::kStat, ""},
      {"folder-beyond", FailsAt::kStat, ""},
      {"folder-huge", FailsAt::kStat, ""},
      {"folder-short", FailsAt::kList, ""},
      {"folder-of-other-bytes", FailsAt::kList, ""},
      {"folder-entry-outside", FailsAt::kChild, "ghost"},
      {"folder-entry-masked", FailsAt::kChild, "ghost"},
      {"folder-loop", FailsAt::kChild, "up"},
      {"folder-in-itself", FailsAt::kChild, "self"},
      {"link-empty", FailsAt::kReadLink, ""},
      {"link-long", FailsAt::kReadLink, ""},
      {"link-with-nul", FailsAt::kReadLink, ""},
      {"xattrs-beyond", FailsAt::kStat, ""},
      {"xattrs-shared", FailsAt::kXattrs, ""},
      {"xattr-value", FailsAt::kXattrs, ""},
      {"no-type", FailsAt::kStat, ""},
      {"time", FailsAt::kStat, ""},
      {"compressed", FailsAt::kStat, ""},
      {"file-listed-as-folder", FailsAt::kNothing, ""},
  };
  return lies;
}

const std::vector<std::string>& HonestFiles() {
  static const std::vector<std::string> names = {"a", "honest", "m", std::string(255, 'n'), "z"};
  return names;
}

Bytes LyingImage() {
  return Maker().Finish();
}

}  // namespace veneer::test
