#include "fs/erofs/image.h"

#include <algorithm>
#include <array>

#include "fs/erofs/folder.h"
#include "fs/erofs/inode_decoder.h"

namespace veneer::erofs {
namespace {

constexpr uint64_t kMaxTarget = 4095;  // PATH_MAX without its NUL

Status CheckFolder(const Inode& inode) {
  if (!inode.IsFolder()) return Fail(ErrorCode::kCorrupt, "inode {}: is not a folder", inode.nid);
  return {};
}

}  // namespace

Result<Image> Image::Open(std::shared_ptr<const io::BlockSource> source) {
  if (source->size() < kBlockSize) return Fail(ErrorCode::kCorrupt, "image is too short for EROFS");
  VENEER_ASSIGN(const io::BlockRef first, source->Block(0));
  VENEER_ASSIGN(const Superblock super, DecodeSuperblock(*first, source->size()));
  Image image(std::move(source), super);
  VENEER_ASSIGN(const Inode root, image.ReadInode(super.root));
  VENEER_TRY(CheckFolder(root));
  return image;
}

Result<Inode> Image::ReadInode(Nid nid) const {
  if (!NidInImage(nid)) return Fail(ErrorCode::kCorrupt, "inode {}: lies outside the image", nid);
  const uint64_t offset = super_.meta_offset + nid * format::kErofsSlotSize;
  VENEER_ASSIGN(const io::BlockRef block, source_->Block(offset / kBlockSize));
  const ByteSpan header = ByteSpan(*block).subspan(offset % kBlockSize);
  if (InodeHeaderSize(header) <= header.size()) return DecodeInode(header, nid, super_, source_->size());

  // An extended inode in the last slot of its block goes on in the next one.
  std::array<uint8_t, sizeof(format::RawErofsInodeExtended)> joined{};
  if (!InBounds(offset, joined.size(), source_->size()))
    return Fail(ErrorCode::kCorrupt, "inode {}: reaches beyond the image", nid);
  VENEER_ASSIGN(const io::BlockRef next, source_->Block(offset / kBlockSize + 1));
  const auto middle = std::copy(header.begin(), header.end(), joined.begin());
  std::copy_n(next->begin(), joined.end() - middle, middle);
  return DecodeInode(joined, nid, super_, source_->size());
}

Result<std::string> Image::ReadLink(const Inode& inode) const {
  if (!inode.IsSymlink()) return Fail(ErrorCode::kUsage, "inode {}: is not a symlink", inode.nid);
  if (inode.size == 0 || inode.size > kMaxTarget)
    return Fail(ErrorCode::kCorrupt, "inode {}: is a symlink with a target of {} bytes", inode.nid,
                inode.size);
  std::string target(inode.size, '\0');
  VENEER_TRY(ReadData(inode, 0, {reinterpret_cast<uint8_t*>(target.data()), target.size()}));
  if (target.find('\0') != std::string::npos)
    return Fail(ErrorCode::kCorrupt, "inode {}: is a symlink with a NUL in its target", inode.nid);
  return target;
}

Result<std::optional<DirEntry>> Image::Lookup(const Inode& folder, std::string_view name) const {
  VENEER_TRY(CheckFolder(folder));
  VENEER_ASSIGN(const std::optional<FolderBlock> found, FindFolderBlock(*source_, folder, name));
  if (!found) return std::optional<DirEntry>();
  const auto index = found->entries.LowerBound(name);
  if (!index) return FailInFolder(folder, found->block, index.error());
  if (*index == found->entries.size()) return std::optional<DirEntry>();
  const auto entry = found->entries.At(*index);
  if (!entry) return FailInFolder(folder, found->block, entry.error());
  if (entry->name != name) return std::optional<DirEntry>();
  if (!NidInImage(entry->nid)) {
    return Fail(ErrorCode::kCorrupt, "folder inode {}: an entry names inode {} outside the image", folder.nid,
                entry->nid);
  }
  return DirEntry{std::string(name), entry->nid, entry->type};
}

}  // namespace veneer::erofs
