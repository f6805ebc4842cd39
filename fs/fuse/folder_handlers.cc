#include <dirent.h>
#include <sys/stat.h>

#include "fs/core/folder_lister.h"
#include "fs/fuse/handlers.h"
#include "fs/fuse/lookup_journal.h"
#include "fs/fuse/reply.h"

namespace veneer::fuse {
namespace {

// Fills one reply with entries of a folder.
class EntryWriter {
 public:
  EntryWriter(fuse_req_t req, size_t size, bool plus) : req_(req), plus_(plus) {
    Nodes().clear();
    Buffer().resize(std::max(size, Buffer().size()));
    left_ = size;
  }

  // Adds an entry; false where it does not fit any more.
  bool Add(const core::FolderLister::Entry& entry, const fuse_entry_param& param) {
    name_.assign(entry.name);  // libfuse wants it NUL-terminated
    char* place = Buffer().data() + used_;
    const auto cookie = static_cast<off_t>(entry.cookie);
    const size_t need = plus_ ? fuse_add_direntry_plus(req_, place, left_, name_.c_str(), &param, cookie)
                              : fuse_add_direntry(req_, place, left_, name_.c_str(), &param.attr, cookie);
    if (need > left_) return false;
    used_ += need;
    left_ -= need;
    if (param.ino != 0) Nodes().push_back(param.ino);
    return true;
  }

  bool empty() const { return used_ == 0; }

  // As the answer to the request `unique`. The kernel takes each entry with a node for a look-up.
  void Reply(uint64_t unique) {
    LookupJournal::Own().Answer(ContextOf(req_).lookup_counts, unique, Nodes(),
                                [this] { return fuse_reply_buf(req_, Buffer().data(), used_); });
  }

 private:
  static std::vector<char>& Buffer() {
    thread_local std::vector<char> buffer;
    return buffer;
  }
  static std::vector<core::NodeId>& Nodes() {
    thread_local std::vector<core::NodeId> nodes;
    return nodes;
  }

  fuse_req_t req_;
  bool plus_;
  size_t left_ = 0;
  size_t used_ = 0;
  std::string name_;
};

// An entry with number and type but no node: the kernel lists it and keeps nothing of it.
fuse_entry_param BareEntry(const core::FolderLister& lister) {
  fuse_entry_param param{};
  param.attr.st_ino = lister.EntryId();
  param.attr.st_mode = DTTOIF(mode_t{lister.entry()->type});
  return param;
}

// An entry that the kernel may keep as if it had looked it up. Not for names that a switch is about to
// change, nor for listings in the view of a former generation, nor where the inode cannot be read: that is
// for whoever asks for the file to hear.
fuse_entry_param FullEntry(Context& context, const core::Moment& moment, core::NodeId folder,
                           const core::FolderLister& lister) {
  const core::FolderLister::Entry& entry = *lister.entry();
  if (entry.name == "." || entry.name == ".." || !moment.MayKeepEntry(folder, entry.name))
    return BareEntry(lister);
  const Result<core::Node> node = lister.EntryNode();
  if (!node) {
    context.failures.OnFailure(folder, node.error());
    return BareEntry(lister);
  }
  return EntryOf(moment, folder, entry.name, *node);
}

void List(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, bool plus) {
  const uint64_t unique = LookupJournal::Own().request().unique();
  AnswerIn(Lanes::OfNames(ino), req, ino, [=]() -> Status {
    Context& context = ContextOf(req);
    context.counters.listings.fetch_add(1, std::memory_order_relaxed);
    const auto moment = context.tree.Now();
    const auto cookie = static_cast<core::Cookie>(offset);
    VENEER_ASSIGN(const auto view, context.tree.ViewForListing(*moment, cookie));
    VENEER_ASSIGN(core::FolderLister lister, core::FolderLister::Open(*view, ino, cookie));
    const bool full = plus && view == moment->view;
    EntryWriter writer(req, size, plus);
    while (lister.entry() != nullptr) {
      const fuse_entry_param param = full ? FullEntry(context, *moment, ino, lister) : BareEntry(lister);
      if (!writer.Add(*lister.entry(), param)) break;
      if (Status next = lister.Next(); !next) {
        if (writer.empty()) return next;
        break;  // what is good goes out; the next call meets the error again
      }
    }
    writer.Reply(unique);
    return {};
  });
}

}  // namespace

void HandleReadDir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, fuse_file_info*) {
  List(req, ino, size, offset, false);
}

void HandleReadDirPlus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, fuse_file_info*) {
  List(req, ino, size, offset, true);
}

}  // namespace veneer::fuse
