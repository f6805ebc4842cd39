#include "fs/erofs/walk.h"

#include <unordered_set>

#include "fs/erofs/dir_cursor.h"

namespace veneer::erofs {
namespace {

class Walker {
 public:
  Walker(const Image& image, const Visit& visit) : image_(image), visit_(visit) {}

  // Visits the inode at path_ and all below it.
  Status VisitAll(Nid nid, size_t depth) {
    const Result<Inode> inode = image_.ReadInode(nid);
    VENEER_TRY(visit_(path_, nid, inode));
    if (!inode || !inode->IsFolder()) return {};
    if (!folders_.insert(nid).second) {
      return Complain(nid, Fail(ErrorCode::kCorrupt, "folder {} has more than one place", nid));
    }
    if (depth == kMaxWalkDepth) {
      return Complain(nid, Fail(ErrorCode::kCorrupt, "folder {} lies too deep", nid));
    }
    return VisitEntries(*inode, depth);
  }

 private:
  Status VisitEntries(const Inode& folder, size_t depth) {
    Result<DirCursor> cursor = DirCursor::Open(image_, folder);
    if (!cursor) return Complain(folder.nid, tl::unexpected(cursor.error()));
    const size_t length = path_.size();
    while (const DirCursor::Entry* entry = cursor->entry()) {
      if (entry->name != "." && entry->name != "..") {
        if (length != 0) path_.push_back('/');
        path_.append(entry->name);
        VENEER_TRY(VisitAll(entry->nid, depth + 1));
        path_.resize(length);
      }
      if (const Status moved = cursor->Next(); !moved) {
        return Complain(folder.nid, tl::unexpected(moved.error()));
      }
    }
    return {};
  }

  Status Complain(Nid nid, Result<Inode> error) { return visit_(path_.empty() ? "/" : path_, nid, error); }

  const Image& image_;
  const Visit& visit_;
  std::string path_;
  std::unordered_set<Nid> folders_;
};

}  // namespace

Status Walk(const Image& image, const Visit& visit) {
  return Walker(image, visit).VisitAll(image.root(), 0);
}

}  // namespace veneer::erofs
