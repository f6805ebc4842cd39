// A place in a folder's listing, which is sorted by the bytes of its names.
#pragma once

#include <cstdint>
#include <string_view>

#include "fs/erofs/folder.h"
#include "fs/erofs/image.h"

namespace veneer::erofs {

// Moves through the entries of one folder in order, one block in memory at a time. One thread at a time;
// `image` must outlive it. Each method that moves can fail with kCorrupt, where the block or the entry that
// it comes to is not one, or with the errors of the image's source; the cursor is then at the end.
class DirCursor {
 public:
  // At the first entry of `folder`. kCorrupt if it is not a folder.
  static Result<DirCursor> Open(const Image& image, const Inode& folder);

  // The entry here, or null at the end. Its name stays valid until the cursor moves. `..` and `.` are among
  // the entries.
  struct Entry {
    std::string_view name;
    Nid nid = 0;
    uint8_t type = 0;    // d_type
    uint32_t block = 0;  // logical block of the folder that holds it
    uint16_t index = 0;  // within that block
  };
  const Entry* entry() const { return at_end_ ? nullptr : &entry_; }

  // Moves to the next entry. At the end, nothing happens. Names that do not grow strictly are kCorrupt, so
  // that a listing ends whatever the image holds.
  Status Next();

  // Moves to entry `index` of block `block`, or to the first behind it if there is no such (a cookie may be
  // stale or forged).
  Status SeekTo(uint32_t block, uint16_t index);

  // Moves to the first entry whose name is not less than `name`. Costs O(log blocks).
  Status SeekName(std::string_view name);

  // Likewise, but greater than `name`.
  Status SeekBehind(std::string_view name);

 private:
  DirCursor(const Image& image, const Inode& folder)
      : image_(&image), folder_(folder), block_count_(FolderBlockCount(folder)) {}

  Status LoadBlock(uint32_t block);
  Status LoadEntry(uint16_t index);
  Status MoveTo(uint32_t block, uint16_t index);
  Status MoveToName(std::string_view name, bool behind);
  // Passes `status` on; after an error nothing can be made of where the cursor is.
  Status EndIfFailed(Status status);

  const Image* image_;
  Inode folder_;
  uint32_t block_count_;
  FolderBlock current_;  // without data before the first one is read
  bool at_end_ = false;
  Entry entry_;
};

}  // namespace veneer::erofs
