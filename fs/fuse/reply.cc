#include "fs/fuse/reply.h"

#include <cerrno>

#include "fs/fuse/errno.h"

namespace veneer::fuse {

struct stat StatOf(const core::Node& node) {
  const erofs::Inode& inode = node.inode;
  struct stat st {};
  st.st_ino = node.id;
  st.st_mode = inode.mode;
  // As overlayfs does: what subfolders a merged folder has is not worth counting, and 1 says so.
  st.st_nlink = node.merged ? 1 : inode.nlink;
  st.st_uid = inode.uid;
  st.st_gid = inode.gid;
  st.st_rdev = inode.rdev;
  st.st_size = static_cast<off_t>(inode.size);
  st.st_blksize = kBlockSize;
  st.st_blocks = static_cast<blkcnt_t>(BlocksFor(inode.size) * (kBlockSize / 512));
  st.st_mtim = {.tv_sec = inode.mtime, .tv_nsec = static_cast<long>(inode.mtime_nsec)};
  st.st_atim = st.st_mtim;
  st.st_ctim = st.st_mtim;
  return st;
}

fuse_entry_param EntryOf(const core::Moment& moment, core::NodeId folder, std::string_view name,
                         const core::Node& node) {
  fuse_entry_param entry{};
  entry.ino = node.id;
  entry.attr = StatOf(node);
  entry.entry_timeout = moment.MayKeepEntry(folder, name) ? kForever : 0;
  entry.attr_timeout = moment.MayKeepAttributes(node.id) ? kForever : 0;
  return entry;
}

void ReplyError(fuse_req_t req, core::NodeId node, const Error& error) {
  const int number = ErrnoOf(error);
  Context& context = ContextOf(req);
  if (number == EIO || number == ENOMEM) context.counters.AddFailure(FailureKindOf(error.code()));
  if (number == EIO) context.failures.OnFailure(node, error);
  fuse_reply_err(req, number);
}

}  // namespace veneer::fuse
