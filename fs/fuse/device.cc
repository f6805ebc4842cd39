#include "fs/fuse/device.h"

#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>

#include "fs/fuse/request.h"

namespace veneer::fuse {
namespace {

// FUSE_NOTIFY_RESEND of Linux 6.9, which the headers of Debian 12 do not have.
constexpr int32_t kNotifyResend = 7;

// FUSE_INT_REQ_BIT of the kernel: an answer with it in its number is to the interruption of that request.
constexpr uint64_t kInterruption = 1;

}  // namespace

Result<bool> ReadRequest(int device, MutableByteSpan room) {
  const ssize_t n = ::read(device, room.data(), room.size());
  if (n < 0 && (errno == ENOENT || errno == EINTR || errno == EAGAIN)) return false;
  if (n < 0 && errno == ENODEV) return Fail(ErrorCode::kNotFound, "/dev/fuse: unmounted");
  if (n < 0) return FailErrno(errno, "/dev/fuse");
  if (static_cast<size_t>(n) < sizeof(fuse_in_header))
    return Fail(ErrorCode::kIo, "/dev/fuse: a short request");
  return true;
}

Result<Bytes> ReadInit(int device) {
  Bytes request(kRequestSize);
  VENEER_ASSIGN(const bool is_there, ReadRequest(device, request));
  const Request read(request);
  if (!is_there || !read.IsInit())
    return Fail(ErrorCode::kFailed, "/dev/fuse: the kernel did not begin with FUSE_INIT");
  request.resize(read.size());
  return request;
}

Status ResendRequests(int device) {
  const fuse_out_header notice{sizeof notice, kNotifyResend, 0};
  if (::write(device, &notice, sizeof notice) == static_cast<ssize_t>(sizeof notice)) return {};
  if (errno == EINVAL || errno == ENODEV) return {};
  return FailErrno(errno, "/dev/fuse: asking for requests again");
}

// "Not interrupted" changes nothing, and the kernel takes it only for a request that it waits for.
bool IsUnanswered(int device, uint64_t unique) {
  const fuse_out_header answer{sizeof answer, 0, unique | kInterruption};
  return ::write(device, &answer, sizeof answer) == static_cast<ssize_t>(sizeof answer);
}

bool IsUnmounted(int device) {
  pollfd polled{device, 0, 0};
  return ::poll(&polled, 1, 0) > 0 && (polled.revents & POLLERR) != 0;
}

Status SetBlocking(int device, bool blocking) {
  const int flags = ::fcntl(device, F_GETFL);
  const int wanted = blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK;
  if (flags < 0 || ::fcntl(device, F_SETFL, wanted) != 0) return FailErrno(errno, "/dev/fuse");
  return {};
}

// Into memory that no worker reaches: what is refused is what the kernel said.
Result<Refusal> RefuseOneRequest(int device, LookupCounts& counts) {
  Bytes room(kRequestSize);
  // One that poll() saw may have been taken back meanwhile: reading must not wait for the next.
  VENEER_TRY(SetBlocking(device, false));
  const auto is_there = ReadRequest(device, room);
  const Request request(room);
  for (uint32_t i = 0; i < request.CountForgotten(); ++i) {
    const Request::Forgotten forgotten = request.ForgottenAt(i);
    counts.Remove(core::SlotOf(forgotten.node), forgotten.nodes);
  }
  VENEER_TRY(SetBlocking(device, true));
  if (!is_there && is_there.error().code() == ErrorCode::kNotFound) return Refusal::kGone;
  if (!is_there) return tl::unexpected<Error>(is_there.error());
  if (!*is_there || !request.HasAnswer()) return Refusal::kNothingToRefuse;
  const fuse_out_header refusal{sizeof refusal, -EIO, request.unique()};
  // One that was interrupted meanwhile has nobody who waits.
  if (::write(device, &refusal, sizeof refusal) < 0 && errno != ENOENT && errno != ENODEV)
    return FailErrno(errno, "/dev/fuse");
  return Refusal::kRefused;
}

}  // namespace veneer::fuse
