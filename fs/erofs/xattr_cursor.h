// Goes through the xattrs of an inode, inline ones first, then shared ones.
#pragma once

#include <cstdint>
#include <optional>

#include "fs/base/error.h"
#include "fs/erofs/inode.h"
#include "fs/erofs/meta_view.h"
#include "fs/erofs/xattr_entry.h"
#include "fs/io/block_source.h"

namespace veneer::erofs {

class XattrCursor {
 public:
  // `xattr_offset`: of shared xattr 0, in bytes of the image. kCorrupt as DecodeXattrArea; errors of the
  // source, which must outlive the cursor.
  static Result<XattrCursor> Open(const io::BlockSource& source, const Inode& inode, uint64_t xattr_offset);

  // The next xattr, known name index or not, valid until the cursor moves; nothing at the end. At most 65,789
  // in all. kCorrupt as DecodeXattrEntry, or if a shared one lies outside the image; errors of the source.
  // One may go on after an error: it is passed over, an inline one together with those behind it.
  Result<std::optional<XattrEntry>> Next();

  // Where in the image the shared xattr is that Next came to last, as far as it could be read, or tried to.
  // Empty for an inline one.
  struct Place {
    uint64_t offset = 0;
    uint64_t size = 0;
  };
  Place place() const { return place_; }

 private:
  XattrCursor(const io::BlockSource& source, Nid nid, uint64_t xattr_offset, MetaView view)
      : source_(&source), nid_(nid), xattr_offset_(xattr_offset), area_view_(std::move(view)) {}

  Result<std::optional<XattrEntry>> NextInline();
  Result<std::optional<XattrEntry>> NextShared();

  const io::BlockSource* source_;
  Nid nid_;
  uint64_t xattr_offset_;
  MetaView area_view_;
  ByteSpan entries_;     // what is left of the inline ones
  ByteSpan shared_ids_;  // what is left of these
  std::optional<MetaView> shared_view_;
  Place place_;
};

}  // namespace veneer::erofs
