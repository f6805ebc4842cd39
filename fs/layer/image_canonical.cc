#include "fs/layer/image_canonical.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <tuple>
#include <unordered_set>

#include "fs/erofs/data_map.h"
#include "fs/erofs/xattr_entry.h"
#include "fs/format/erofs_fs.h"

namespace veneer::layer {
namespace {

constexpr uint32_t kChecksumFeature = 1;  // of feature_compat

Status WriteAt(int fd, uint64_t offset, ByteSpan bytes, const std::string& name) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FailErrno(errno, fmt::format("{}: writing", name));
    offset += static_cast<uint64_t>(n);
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
  return {};
}

// The inline entries of an xattr area, sorted by name.
Result<Bytes> SortEntries(ByteSpan entries) {
  struct Item {
    uint8_t name_index;
    std::string_view suffix;
    ByteSpan bytes;
  };
  std::vector<Item> items;
  for (ByteSpan rest = entries; !rest.empty();) {
    VENEER_ASSIGN(const erofs::XattrEntry entry, erofs::DecodeXattrEntry(rest));
    size_t size = sizeof(format::RawErofsXattrEntry) + entry.suffix.size() + entry.value.size();
    size = std::min<size_t>((size + 3) / 4 * 4, rest.size());
    items.push_back({entry.name_index, entry.suffix, rest.first(size)});
    rest = rest.subspan(size);
  }
  std::sort(items.begin(), items.end(), [](const Item& a, const Item& b) {
    return std::tie(a.name_index, a.suffix) < std::tie(b.name_index, b.suffix);
  });
  Bytes sorted;
  for (const Item& item : items) sorted.insert(sorted.end(), item.bytes.begin(), item.bytes.end());
  return sorted;
}

// The CRC-32C that EROFS keeps of the first block behind byte 1024, where its own field counts as zeros.
uint32_t SuperblockChecksum(ByteSpan bytes) {
  uint32_t crc = 0xFFFFFFFF;
  for (const uint8_t byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82F63B78U : 0U);
  }
  return crc;
}

class Canonicalizer {
 public:
  Canonicalizer(const erofs::Image& image, int fd, const std::string& name)
      : image_(image), fd_(fd), name_(name) {}

  Status SortXattrs(const erofs::Inode& inode) const {
    if (inode.xattr_size == 0) return {};
    Bytes area(inode.xattr_size);
    const uint64_t offset = inode.offset + inode.header_size;
    VENEER_TRY(image_.source().Read(offset, area));
    VENEER_ASSIGN(const erofs::XattrArea parts, erofs::DecodeXattrArea(area));
    VENEER_ASSIGN(const Bytes sorted, SortEntries(parts.entries));
    if (std::equal(sorted.begin(), sorted.end(), parts.entries.begin(), parts.entries.end())) return {};
    return WriteAt(fd_, offset + (area.size() - parts.entries.size()), sorted, name_);
  }

  Status PunchZeroChunks(const erofs::Inode& inode) {
    if (inode.layout != erofs::DataLayout::kChunked || !inode.IsRegular()) return {};
    const size_t entry_size = inode.chunk_indexes ? sizeof(format::RawErofsChunkIndex) : sizeof(Le32);
    Bytes table(erofs::ChunkTableSize(inode));
    VENEER_TRY(image_.source().Read(erofs::ChunkTableOffset(inode), table));
    bool changed = false;
    for (size_t at = entry_size - sizeof(Le32); at < table.size(); at += entry_size) {
      Le32 block;
      std::memcpy(&block, table.data() + at, sizeof block);
      if (block == format::kErofsNullBlock) continue;
      VENEER_ASSIGN(const bool zero, IsZeroChunk(block, inode.chunk_bits));
      if (!zero) continue;
      const Le32 hole = format::kErofsNullBlock;
      std::memcpy(table.data() + at, &hole, sizeof hole);
      changed = true;
    }
    return changed ? WriteAt(fd_, erofs::ChunkTableOffset(inode), table, name_) : Status();
  }

  Status FixChecksum() const {
    Bytes bytes(kBlockSize - format::kErofsSuperblockOffset);
    VENEER_TRY(image_.source().Read(format::kErofsSuperblockOffset, bytes));
    format::RawErofsSuperblock raw{};
    std::memcpy(&raw, bytes.data(), sizeof raw);
    if ((raw.feature_compat & kChecksumFeature) == 0) return {};
    raw.checksum = 0U;
    std::memcpy(bytes.data(), &raw, sizeof raw);
    raw.checksum = SuperblockChecksum(bytes);
    std::memcpy(bytes.data(), &raw, sizeof raw);
    return WriteAt(fd_, format::kErofsSuperblockOffset, bytes, name_);
  }

 private:
  // Whether the chunk that starts with `block` is all zeros. mkfs.erofs stores equal chunks once, so most of
  // them are the same one.
  Result<bool> IsZeroChunk(uint32_t block, uint8_t chunk_bits) {
    if (zero_chunks_.contains(block)) return true;
    Bytes chunk(std::min<uint64_t>(
        uint64_t{1} << chunk_bits,
        image_.source().size() - std::min(image_.source().size(), uint64_t{block} * kBlockSize)));
    VENEER_TRY(image_.source().Read(uint64_t{block} * kBlockSize, chunk));
    const bool zero = std::all_of(chunk.begin(), chunk.end(), [](uint8_t byte) { return byte == 0; });
    if (zero) zero_chunks_.insert(block);
    return zero;
  }

  const erofs::Image& image_;
  int fd_;
  const std::string& name_;
  std::unordered_set<uint32_t> zero_chunks_;
};

}  // namespace

Status CanonicalizeImage(const erofs::Image& image, const std::vector<ImageName>& names, int fd,
                         const std::string& name) {
  Canonicalizer canonicalizer(image, fd, name);
  std::unordered_set<erofs::Nid> seen;
  for (const ImageName& entry : names) {
    if (!seen.insert(entry.nid).second) continue;
    VENEER_ASSIGN(const erofs::Inode inode, image.ReadInode(entry.nid));
    VENEER_TRY(canonicalizer.SortXattrs(inode));
    VENEER_TRY(canonicalizer.PunchZeroChunks(inode));
  }
  return canonicalizer.FixChecksum();
}

}  // namespace veneer::layer
