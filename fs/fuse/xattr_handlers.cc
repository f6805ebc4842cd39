#include <cerrno>
#include <string>

#include "fs/erofs/overlay.h"
#include "fs/fuse/handlers.h"
#include "fs/fuse/reply.h"

namespace veneer::fuse {
namespace {

// The two-step protocol of getxattr(2) and listxattr(2): a size of 0 asks how much there is.
void ReplySized(fuse_req_t req, std::string_view value, size_t size) {
  if (size == 0) {
    fuse_reply_xattr(req, value.size());
  } else if (value.size() > size) {
    fuse_reply_err(req, ERANGE);
  } else {
    fuse_reply_buf(req, value.data(), value.size());
  }
}

// The node of `ino` and the image that its attributes are in: for a merged folder, that of its topmost layer.
struct Holder {
  std::shared_ptr<const core::Moment> moment;  // keeps the image
  const erofs::Image* image = nullptr;
  erofs::Inode inode;
};

Result<Holder> HolderOf(fuse_req_t req, fuse_ino_t ino) {
  Context& context = ContextOf(req);
  context.counters.xattrs.fetch_add(1, std::memory_order_relaxed);
  auto moment = context.tree.Now();
  VENEER_ASSIGN(const core::Node node, moment->view->Get(ino));
  const erofs::Image* image = moment->view->ImageInSlot(node.slot);
  return Holder{std::move(moment), image, node.inode};
}

}  // namespace

// ENOSYS, where no layer holds any, would spare each exec this question, but cannot be taken back: the next
// patch may bring a capability.
void HandleGetXattr(fuse_req_t req, fuse_ino_t ino, const char* raw_name, size_t size) {
  AnswerIn(Lanes::OfNames(ino), req, ino, raw_name, [=](const std::string& name) -> Status {
    VENEER_ASSIGN(const Holder holder, HolderOf(req, ino));
    std::optional<std::string> value;
    if (!erofs::IsPrivateXattr(name)) {
      VENEER_ASSIGN(value, holder.image->GetXattr(holder.inode, name));
    }
    if (value) {
      ReplySized(req, *value, size);
    } else {
      fuse_reply_err(req, ENODATA);
    }
    return {};
  });
}

void HandleListXattr(fuse_req_t req, fuse_ino_t ino, size_t size) {
  AnswerIn(Lanes::OfNames(ino), req, ino, [=]() -> Status {
    VENEER_ASSIGN(const Holder holder, HolderOf(req, ino));
    VENEER_ASSIGN(const auto xattrs, holder.image->ListXattrs(holder.inode));
    std::string names;
    for (const erofs::Xattr& xattr : xattrs) {
      if (!erofs::IsPrivateXattr(xattr.name)) names.append(xattr.name).push_back('\0');
    }
    ReplySized(req, names, size);
    return {};
  });
}

}  // namespace veneer::fuse
