// Decoding the xattr area of an inode and single xattr entries. Pure functions over spans.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "fs/base/bytes.h"
#include "fs/base/error.h"
#include "fs/format/erofs_fs.h"

namespace veneer::erofs {

// The area behind an inode: ids of shared xattrs, then inline entries.
struct XattrArea {
  ByteSpan shared_ids;  // Le32 each
  ByteSpan entries;
};

// kCorrupt if `area` is too short for its header or for the ids that it says it has.
Result<XattrArea> DecodeXattrArea(ByteSpan area);

// One entry, as views into the bytes it was decoded from.
struct XattrEntry {
  uint8_t name_index = 0;
  std::string_view suffix;  // the name without its prefix
  ByteSpan value;
};

// The size of an entry with this header, name and value included: 4 to 65,794 bytes, without the padding to 4
// bytes that follows it.
inline size_t XattrEntrySize(const format::RawErofsXattrEntry& raw) {
  return sizeof raw + raw.name_size + raw.value_size;
}

// The entry that starts `bytes`. kCorrupt if it is longer than they are, or if its name holds a NUL.
Result<XattrEntry> DecodeXattrEntry(ByteSpan bytes);

// What a name index stands for: "user.", "system.posix_acl_access", ...; empty for one not known.
std::string_view XattrPrefix(uint8_t name_index);

}  // namespace veneer::erofs
