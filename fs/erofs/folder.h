// The blocks of a folder, each sorted, and sorted among each other by their first names.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "fs/base/error.h"
#include "fs/erofs/dir_block.h"
#include "fs/erofs/inode.h"
#include "fs/io/block_source.h"

namespace veneer::erofs {

// One block of a folder, held in memory while this lives.
struct FolderBlock {
  io::BlockRef data;  // what `entries` points into
  DirBlock entries;
  uint32_t block = 0;  // which one of the folder
};

inline uint32_t FolderBlockCount(const Inode& folder) {
  return static_cast<uint32_t>(BlocksFor(folder.size));
}

// Block `block` < FolderBlockCount of `folder`. kCorrupt if it is no block of entries, with a message that
// names the folder; errors of the source.
Result<FolderBlock> ReadFolderBlock(const io::BlockSource& source, const Inode& folder, uint32_t block);

// The last block of `folder` whose first name is not greater than `name`: where it is, if it is anywhere.
// Nothing if there is no such block. Reads O(log blocks) of them. Errors as ReadFolderBlock.
Result<std::optional<FolderBlock>> FindFolderBlock(const io::BlockSource& source, const Inode& folder,
                                                   std::string_view name);

// Puts the folder and its block in front of an error of DirBlock.
tl::unexpected<Error> FailInFolder(const Inode& folder, uint32_t block, const Error& error);

}  // namespace veneer::erofs
