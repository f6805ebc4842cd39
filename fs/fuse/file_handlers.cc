#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "fs/fuse/handlers.h"
#include "fs/fuse/reply.h"

namespace veneer::fuse {
namespace {

// A regular file and the image that it is in. Files do not depend on the generation: the id says all.
struct File {
  std::shared_ptr<const core::Moment> moment;  // keeps the image
  const erofs::Image* image = nullptr;
  erofs::Inode inode;
};

Result<File> FileOf(fuse_req_t req, fuse_ino_t ino) {
  auto moment = ContextOf(req).tree.Now();
  const erofs::Image* image = moment->view->ImageOf(ino);
  if (image == nullptr) return Fail(ErrorCode::kNotFound, "node {:#x} is of no layer of this mount", ino);
  VENEER_ASSIGN(const erofs::Inode inode, image->ReadInode(core::NidOf(ino)));
  if (!inode.IsRegular()) return Fail(ErrorCode::kUsage, "node {:#x} is no regular file", ino);
  return File{std::move(moment), image, inode};
}

}  // namespace

void HandleRead(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, fuse_file_info*) {
  AnswerIn(Lanes::OfContent(ino), req, ino, [=]() -> Status {
    thread_local Bytes buffer;
    Counters& counters = ContextOf(req).counters;
    VENEER_ASSIGN(const File file, FileOf(req, ino));
    const auto begin = static_cast<uint64_t>(offset);
    const uint64_t end = std::min(begin + size, file.inode.size);
    const size_t length = begin < end ? end - begin : 0;
    if (buffer.size() < length) buffer.resize(length);
    VENEER_TRY(file.image->ReadData(file.inode, std::min(begin, file.inode.size),
                                    MutableByteSpan(buffer).first(length)));
    counters.reads.fetch_add(1, std::memory_order_relaxed);
    counters.bytes.fetch_add(length, std::memory_order_relaxed);
    fuse_reply_buf(req, reinterpret_cast<const char*>(buffer.data()), length);
    return {};
  });
}

// SEEK_DATA and SEEK_HOLE; the kernel does the other kinds itself.
void HandleSeek(fuse_req_t req, fuse_ino_t ino, off_t offset, int whence, fuse_file_info*) {
  AnswerIn(Lanes::OfContent(ino), req, ino, [=]() -> Status {
    VENEER_ASSIGN(const File file, FileOf(req, ino));
    const auto from = static_cast<uint64_t>(offset);
    if (offset < 0 || from >= file.inode.size) {
      fuse_reply_err(req, ENXIO);
      return {};
    }
    VENEER_ASSIGN(const auto data, file.image->NextData(file.inode, from));
    if (whence == SEEK_DATA && !data) {
      fuse_reply_err(req, ENXIO);
    } else if (whence == SEEK_DATA) {
      fuse_reply_lseek(req, static_cast<off_t>(std::max(from, data->begin)));
    } else if (data && data->begin <= from) {
      fuse_reply_lseek(req, static_cast<off_t>(std::min(data->end, file.inode.size)));
    } else {
      fuse_reply_lseek(req, offset);  // in a hole already
    }
    return {};
  });
}

}  // namespace veneer::fuse
