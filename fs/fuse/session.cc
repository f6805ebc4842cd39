#include "fs/fuse/session.h"

#include <algorithm>
#include <cerrno>
#include <new>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "fs/fuse/device.h"
#include "fs/fuse/operations.h"

namespace veneer::fuse {
namespace {

// What a notification returned, as a Status: what is not cached needs no forgetting, and a mount that is gone
// has no caches.
Status Notified(int result, const char* what, core::NodeId folder) {
  if (result == 0 || result == -ENOENT || result == -ENODEV || result == -ENOTCONN) return {};
  return FailErrno(-result, fmt::format("telling the kernel to forget {} of folder {:#x}", what, folder));
}

}  // namespace

Status NotifyingKernelCache::ForgetEntry(core::NodeId folder, std::string_view name) {
  if (session_ == nullptr) return {};
  const std::string held(name);
  return Notified(fuse_lowlevel_notify_inval_entry(session_, folder, held.c_str(), held.size()), "an entry",
                  folder);
}

Status NotifyingKernelCache::Barrier(core::NodeId folder) {
  // No entry can have this name; the kernel takes the folder's lock all the same, and so waits for whoever
  // has it.
  return ForgetEntry(folder, "/");
}

Status NotifyingKernelCache::ForgetAttributes(core::NodeId folder) {
  if (session_ == nullptr) return {};
  constexpr off_t kAttributesOnly = -1;
  return Notified(fuse_lowlevel_notify_inval_inode(session_, folder, kAttributesOnly, 0), "the attributes",
                  folder);
}

Status NotifyingKernelCache::ForgetFolder(core::NodeId folder) {
  if (session_ == nullptr) return {};
  return Notified(fuse_lowlevel_notify_inval_inode(session_, folder, 0, 0), "the listing", folder);
}

Result<std::unique_ptr<Session>> Session::Create(UniqueFd device, Bytes init, Context& context,
                                                 NotifyingKernelCache& kernel) {
  std::string program = "veneer";
  char* argv[] = {program.data(), nullptr};
  fuse_args args = FUSE_ARGS_INIT(1, argv);
  fuse_session* session = fuse_session_new(&args, &Operations(), sizeof(fuse_lowlevel_ops), &context);
  fuse_opt_free_args(&args);
  if (session == nullptr) return Fail(ErrorCode::kFailed, "libfuse would not make a session");
  std::unique_ptr<Session> owned(new Session(session, context.lookup_counts));
  // libfuse takes a descriptor that is mounted already under this name, and closes it in the end.
  const std::string name = fmt::format("/dev/fd/{}", device.get());
  if (fuse_session_mount(session, name.c_str()) != 0) {
    return Fail(ErrorCode::kFailed, "libfuse would not take the mounted descriptor");
  }
  static_cast<void>(device.release());
  fuse_buf message{};
  message.mem = init.data();
  message.size = init.size();
  fuse_session_process_buf(session, &message);
  kernel.Attach(session);
  return owned;
}

Session::~Session() {
  fuse_session_destroy(session_);
}

// A request in hand keeps others waiting no longer than itself; each thread meets the end of the session by
// itself.
Status Session::ServeRequests(LookupJournal& journal) {
  journal.BelongToThisThread();
  Status status;
  while (fuse_session_exited(session_) == 0) {
    const MutableByteSpan request = journal.BeginRequest();
    const auto is_there = ReadRequest(fuse_session_fd(session_), request);
    if (!is_there) {
      if (is_there.error().code() != ErrorCode::kNotFound) status = tl::unexpected<Error>(is_there.error());
      break;
    }
    if (!*is_there || journal.GiveBack(counts_)) continue;
    fuse_buf message{};
    message.mem = request.data();
    message.size = journal.request().size();
    fuse_session_process_buf(session_, &message);
  }
  fuse_session_exit(session_);
  return status;
}

// With as many threads as there are to be had.
Status Session::Serve(std::span<LookupJournal> journals) {
  std::vector<Status> statuses(journals.size());
  std::vector<std::thread> pool;
  try {
    pool.reserve(journals.size());
    for (size_t i = 1; i < journals.size(); ++i)
      pool.emplace_back([&, i] { statuses[i] = ServeRequests(journals[i]); });
  } catch (const std::system_error&) {
  } catch (const std::bad_alloc&) {
  }
  statuses[0] = ServeRequests(journals[0]);
  for (std::thread& thread : pool) thread.join();
  const auto failed =
      std::find_if_not(statuses.begin(), statuses.end(), [](const Status& one) { return one.has_value(); });
  return failed == statuses.end() ? Status() : *failed;
}

}  // namespace veneer::fuse
