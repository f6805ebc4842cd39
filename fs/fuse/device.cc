#include "fs/fuse/device.h"

#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace veneer::fuse {
namespace {

// The kernel gives nothing to a reader without room for its largest request, though none is that large here:
// the most that libfuse lets it write at once, 256 pages, and what stands before that.
constexpr size_t kHeaders = 4096;
size_t RequestSize() {
  return 256 * static_cast<size_t>(::sysconf(_SC_PAGESIZE)) + kHeaders;
}

// FUSE_NOTIFY_RESEND of Linux 6.9, which the headers of Debian 12 do not have.
constexpr int32_t kNotifyResend = 7;

// The next request; empty when there is none at the moment or it was taken back, kNotFound when unmounted.
Result<Bytes> ReadRequest(int device) {
  Bytes request(RequestSize());
  const ssize_t n = ::read(device, request.data(), request.size());
  if (n < 0 && (errno == ENOENT || errno == EINTR || errno == EAGAIN)) return Bytes();
  if (n < 0 && errno == ENODEV) return Fail(ErrorCode::kNotFound, "/dev/fuse: unmounted");
  if (n < 0) return FailErrno(errno, "/dev/fuse");
  if (static_cast<size_t>(n) < sizeof(fuse_in_header))
    return Fail(ErrorCode::kIo, "/dev/fuse: a short request");
  request.resize(static_cast<size_t>(n));
  return request;
}

fuse_in_header HeaderOf(const Bytes& request) {
  fuse_in_header header{};
  std::memcpy(&header, request.data(), sizeof header);
  return header;
}

bool WantsAnswer(uint32_t opcode) {
  return opcode != FUSE_FORGET && opcode != FUSE_BATCH_FORGET && opcode != FUSE_INTERRUPT;
}

}  // namespace

Result<Bytes> ReadInit(int device) {
  VENEER_ASSIGN(Bytes request, ReadRequest(device));
  if (request.empty() || HeaderOf(request).opcode != FUSE_INIT)
    return Fail(ErrorCode::kFailed, "/dev/fuse: the kernel did not begin with FUSE_INIT");
  return request;
}

Status ResendRequests(int device) {
  const fuse_out_header notice{sizeof notice, kNotifyResend, 0};
  if (::write(device, &notice, sizeof notice) == static_cast<ssize_t>(sizeof notice)) return {};
  if (errno == EINVAL || errno == ENODEV) return {};
  return FailErrno(errno, "/dev/fuse: asking for requests again");
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

Result<Refusal> RefuseOneRequest(int device) {
  // One that poll() saw may have been taken back meanwhile: reading must not wait for the next.
  VENEER_TRY(SetBlocking(device, false));
  const auto request = ReadRequest(device);
  VENEER_TRY(SetBlocking(device, true));
  if (!request && request.error().code() == ErrorCode::kNotFound) return Refusal::kGone;
  if (!request) return tl::unexpected<Error>(request.error());
  if (request->empty() || !WantsAnswer(HeaderOf(*request).opcode)) return Refusal::kNothingToRefuse;
  const fuse_out_header refusal{sizeof refusal, -EIO, HeaderOf(*request).unique};
  // One that was interrupted meanwhile has nobody who waits.
  if (::write(device, &refusal, sizeof refusal) < 0 && errno != ENOENT && errno != ENODEV)
    return FailErrno(errno, "/dev/fuse");
  return Refusal::kRefused;
}

}  // namespace veneer::fuse
