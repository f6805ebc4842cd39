// A libfuse session over a mounted /dev/fuse descriptor, and the kernel's caches behind it.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "fs/base/bytes.h"
#include "fs/base/error.h"
#include "fs/base/unique_fd.h"
#include "fs/core/live_tree.h"
#include "fs/fuse/context.h"
#include "fs/fuse/lookup_journal.h"

struct fuse_session;

namespace veneer::fuse {

// The kernel's caches of one mount, through FUSE notifications. Does nothing until a session is attached:
// before, the kernel has cached nothing.
class NotifyingKernelCache final : public core::KernelCache {
 public:
  void Attach(fuse_session* session) { session_ = session; }

  Status ForgetEntry(core::NodeId folder, std::string_view name) override;
  Status Barrier(core::NodeId folder) override;
  Status ForgetAttributes(core::NodeId folder) override;
  Status ForgetFolder(core::NodeId folder) override;

 private:
  fuse_session* session_ = nullptr;
};

class Session {
 public:
  // `device`: /dev/fuse, mounted already; `init`: the FUSE_INIT that was read from it, which the session
  // takes as if it came now. `context` and `kernel` must outlive the session.
  static Result<std::unique_ptr<Session>> Create(UniqueFd device, Bytes init, Context& context,
                                                 NotifyingKernelCache& kernel);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Serves with a thread for each of `journals`, one at least, or with those that can be had, until the file
  // system is unmounted. kNoMemory, kIo: it is mounted still.
  Status Serve(std::span<LookupJournal> journals);

 private:
  Session(fuse_session* session, LookupCounts& counts) : session_(session), counts_(counts) {}
  Status ServeRequests(LookupJournal& journal);

  fuse_session* session_;
  LookupCounts& counts_;
};

}  // namespace veneer::fuse
