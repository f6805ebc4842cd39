// Listing a folder of the union: the merge of its branches, sorted by the bytes of the names.
#pragma once

#include <cstdint>
#include <vector>

#include "fs/base/error.h"
#include "fs/core/view.h"
#include "fs/erofs/dir_cursor.h"

namespace veneer::core {

// Where a listing goes on: the entry last handed out, and the generation in whose view it was. 0 is the
// start; any other value fits 63 bits. Nothing is kept between two calls, so a listing outlives a switch and
// a server.
using Cookie = uint64_t;

// The generation of a cookie, as a remainder that CookieGeneration(generation) compares with. 0 for the
// start.
uint64_t GenerationInCookie(Cookie cookie);
uint64_t CookieGeneration(uint64_t generation);

// One thread at a time; `view` must outlive it.
class FolderLister {
 public:
  // At the first entry behind `cookie`, which must be of this view's generation or 0. A forged cookie gives
  // some place of the same folder. Errors as View::BranchesOf.
  static Result<FolderLister> Open(const View& view, NodeId folder, Cookie cookie);

  struct Entry {
    std::string_view name;           // valid until Next; "." and ".." come too
    uint8_t type = 0;                // d_type
    const Branch* branch = nullptr;  // the topmost that has it
    erofs::Nid nid = 0;
    Cookie cookie = 0;  // to go on behind this entry
  };

  // The entry here, or null at the end. Whiteouts are never among them.
  const Entry* entry() const { return at_end_ ? nullptr : &entry_; }
  Status Next();

  // The id under which the entry is shown.
  NodeId EntryId() const;

  // The entry's node; "." and ".." have none. Errors as View::NodeOf.
  Result<Node> EntryNode() const { return view_->NodeOf(folder_, *entry_.branch, entry_.nid); }

 private:
  FolderLister(const View& view, NodeId folder, Branches branches)
      : view_(&view), folder_(folder), branches_(std::move(branches)) {}

  Status SeekBehind(Cookie cookie);
  Status Settle();
  Status Skip(std::string_view name);
  Result<bool> IsWhiteout() const;

  const View* view_;
  NodeId folder_;
  Branches branches_;
  std::vector<erofs::DirCursor> cursors_;  // one for each branch
  Entry entry_;
  bool at_end_ = false;
};

}  // namespace veneer::core
