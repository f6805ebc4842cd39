#include "fs/fuse/operations.h"

#include <algorithm>
#include <cerrno>

#include "fs/fuse/handlers.h"
#include "fs/fuse/request.h"

namespace veneer::fuse {
namespace {

// Reads ahead that the kernel has under way at once in the whole mount: by its own lights 12, and then those
// from a disk that hangs keep all others waiting. Small machines get fewer.
constexpr unsigned kReadsAhead = 1024;

void HandleInit(void*, fuse_conn_info* conn) {
  const unsigned wanted = FUSE_CAP_NO_OPEN_SUPPORT | FUSE_CAP_NO_OPENDIR_SUPPORT | FUSE_CAP_POSIX_ACL |
                          FUSE_CAP_CACHE_SYMLINKS | FUSE_CAP_PARALLEL_DIROPS | FUSE_CAP_READDIRPLUS |
                          FUSE_CAP_ASYNC_READ;
  // Content never changes under an inode, so nothing is to be asked again; and replies come from private
  // memory.
  const unsigned unwanted = FUSE_CAP_AUTO_INVAL_DATA | FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_SPLICE_READ |
                            FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE;
  conn->want = ((conn->want | wanted) & ~unwanted) & conn->capable;
  conn->max_background = kReadsAhead;
  conn->max_write = std::min(conn->max_write, kMostWritten);
}

// ENOSYS tells the kernel to open files and folders by itself from then on, and to keep what it has cached.
void HandleOpen(fuse_req_t req, fuse_ino_t, fuse_file_info*) {
  fuse_reply_err(req, ENOSYS);
}

// The mount is read-only, so the kernel refuses writers itself; this answers one that was remounted.
template <typename... Args>
void RefuseWrite(fuse_req_t req, Args...) {
  fuse_reply_err(req, EROFS);
}

fuse_lowlevel_ops MakeOperations() {
  fuse_lowlevel_ops ops{};
  ops.init = HandleInit;
  ops.lookup = HandleLookup;
  ops.getattr = HandleGetAttr;
  ops.readlink = HandleReadLink;
  ops.open = HandleOpen;
  ops.opendir = HandleOpen;
  ops.read = HandleRead;
  ops.lseek = HandleSeek;
  ops.readdir = HandleReadDir;
  ops.readdirplus = HandleReadDirPlus;
  ops.statfs = HandleStatFs;
  ops.getxattr = HandleGetXattr;
  ops.listxattr = HandleListXattr;

  ops.setattr = RefuseWrite;
  ops.mknod = RefuseWrite;
  ops.mkdir = RefuseWrite;
  ops.unlink = RefuseWrite;
  ops.rmdir = RefuseWrite;
  ops.symlink = RefuseWrite;
  ops.rename = RefuseWrite;
  ops.link = RefuseWrite;
  ops.create = RefuseWrite;
  ops.write = RefuseWrite;
  ops.setxattr = RefuseWrite;
  ops.removexattr = RefuseWrite;
  ops.fallocate = RefuseWrite;
  return ops;
}

}  // namespace

const fuse_lowlevel_ops& Operations() {
  static const fuse_lowlevel_ops operations = MakeOperations();
  return operations;
}

}  // namespace veneer::fuse
