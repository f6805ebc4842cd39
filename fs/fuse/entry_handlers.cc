#include <sys/statvfs.h>

#include <cerrno>
#include <span>
#include <string>

#include "fs/format/erofs_fs.h"
#include "fs/fuse/handlers.h"
#include "fs/fuse/lookup_journal.h"
#include "fs/fuse/reply.h"

namespace veneer::fuse {

void HandleLookup(fuse_req_t req, fuse_ino_t parent, const char* raw_name) {
  const uint64_t unique = LookupJournal::Own().request().unique();
  AnswerIn(Lanes::OfNames(parent), req, parent, raw_name, [=](const std::string& name) -> Status {
    Context& context = ContextOf(req);
    context.counters.lookups.fetch_add(1, std::memory_order_relaxed);
    if (name.size() > format::kErofsMaxName) {  // the kernel asks for longer ones
      fuse_reply_err(req, ENAMETOOLONG);
      return {};
    }
    const auto moment = context.tree.Now();
    VENEER_ASSIGN(const auto node, moment->view->Lookup(parent, name));
    fuse_entry_param entry{};
    if (node) {
      entry = EntryOf(*moment, parent, name, *node);
    } else {
      entry.entry_timeout =
          moment->MayKeepEntry(parent, name) ? kForever : 0;  // ino 0: absent, and kept as such
    }
    LookupJournal::Own().Answer(context.lookup_counts, unique, std::span(&entry.ino, entry.ino != 0 ? 1 : 0),
                                [&] { return fuse_reply_entry(req, &entry); });
    return {};
  });
}

void HandleGetAttr(fuse_req_t req, fuse_ino_t ino, fuse_file_info*) {
  AnswerIn(Lanes::OfNames(ino), req, ino, [=]() -> Status {
    Context& context = ContextOf(req);
    context.counters.attributes.fetch_add(1, std::memory_order_relaxed);
    const auto moment = context.tree.Now();
    VENEER_ASSIGN(const core::Node node, moment->view->Get(ino));
    const struct stat st = StatOf(node);
    fuse_reply_attr(req, &st, moment->MayKeepAttributes(ino) ? kForever : 0);
    return {};
  });
}

void HandleReadLink(fuse_req_t req, fuse_ino_t ino) {
  AnswerIn(Lanes::OfContent(ino), req, ino, [=]() -> Status {
    const auto moment = ContextOf(req).tree.Now();
    VENEER_ASSIGN(const core::Node node, moment->view->Get(ino));
    const erofs::Image* image = moment->view->ImageOf(ino);
    if (image == nullptr || !node.inode.IsSymlink())
      return Fail(ErrorCode::kUsage, "node {:#x} is no symlink", ino);
    VENEER_ASSIGN(const std::string target, image->ReadLink(node.inode));
    fuse_reply_readlink(req, target.c_str());
    return {};
  });
}

// Full and sealed: what the layers of the stack hold together, and nothing free.
void HandleStatFs(fuse_req_t req, fuse_ino_t ino) {
  AnswerNow(req, ino, [&]() -> Status {
    const auto moment = ContextOf(req).tree.Now();
    struct statvfs st {};
    st.f_bsize = kBlockSize;
    st.f_frsize = kBlockSize;
    st.f_namemax = format::kErofsMaxName;
    for (const core::StackLayer& layer : moment->view->stack()) {
      st.f_blocks += layer.image->source().size() / kBlockSize;
      st.f_files += layer.image->inode_count();
    }
    fuse_reply_statfs(req, &st);
    return {};
  });
}

}  // namespace veneer::fuse
