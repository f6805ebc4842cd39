#include "fs/fuse/session.h"

#include <cerrno>
#include <cstdlib>
#include <new>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

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
  std::unique_ptr<Session> owned(new Session(session));
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

void Session::ServeRequests() {
  fuse_buf buffer{};
  int received = 0;
  while (fuse_session_exited(session_) == 0) {
    received = fuse_session_receive_buf(session_, &buffer);
    if (received == -EINTR || received == -EAGAIN) continue;
    if (received <= 0) break;
    fuse_session_process_buf(session_, &buffer);
  }
  // One that gets no buffer to read into leaves the requests to the others. Otherwise a request in hand keeps
  // others waiting no longer than itself; each thread meets the end of the session by itself.
  if (received != -ENOMEM || buffer.mem != nullptr) fuse_session_exit(session_);
  std::free(buffer.mem);  // NOLINT: libfuse allocates it with malloc
}

// With as many threads as there are to be had.
bool Session::Serve(unsigned threads) {
  std::vector<std::thread> pool;
  try {
    pool.reserve(threads);
    while (pool.size() + 1 < threads) pool.emplace_back([this] { ServeRequests(); });
  } catch (const std::system_error&) {
  } catch (const std::bad_alloc&) {
  }
  ServeRequests();
  for (std::thread& thread : pool) thread.join();
  return fuse_session_exited(session_) != 0;
}

}  // namespace veneer::fuse
