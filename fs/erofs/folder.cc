#include "fs/erofs/folder.h"

#include <algorithm>

#include "fs/erofs/data_map.h"

namespace veneer::erofs {

tl::unexpected<Error> FailInFolder(const Inode& folder, uint32_t block, const Error& error) {
  return tl::unexpected<Error>(error.Within(fmt::format("folder inode {}, block {}", folder.nid, block)));
}

Result<FolderBlock> ReadFolderBlock(const io::BlockSource& source, const Inode& folder, uint32_t block) {
  const uint64_t begin = uint64_t{block} * kBlockSize;
  const uint64_t end = std::min(folder.size, begin + kBlockSize);
  // Extents begin and end with blocks of the file, so a block of the folder is one extent.
  VENEER_ASSIGN(const Extent extent, DataMap(source, folder).At(begin, end));
  if (extent.kind == Extent::Kind::kHole)
    return Fail(ErrorCode::kCorrupt, "folder inode {}, block {}: is a hole", folder.nid, block);

  FolderBlock found;
  found.block = block;
  VENEER_ASSIGN(found.data, source.Block(extent.image_offset / kBlockSize));
  auto entries =
      DirBlock::Decode(ByteSpan(*found.data).subspan(extent.image_offset % kBlockSize, extent.size()));
  if (!entries) return FailInFolder(folder, block, entries.error());
  found.entries = *entries;
  return found;
}

Result<std::optional<FolderBlock>> FindFolderBlock(const io::BlockSource& source, const Inode& folder,
                                                   std::string_view name) {
  std::optional<FolderBlock> best;
  uint32_t low = 0;
  uint32_t high = FolderBlockCount(folder);
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    VENEER_ASSIGN(FolderBlock found, ReadFolderBlock(source, folder, middle));
    const auto first = found.entries.At(0);
    if (!first) return FailInFolder(folder, middle, first.error());
    if (first->name <= name) {
      best = std::move(found);
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return best;
}

}  // namespace veneer::erofs
