// Any bytes are safe as a message of a worker, which may have been taken over: they are an object within the
// bounds, or an error. What is accepted goes through a socket again as it is.
#include <sys/socket.h>

#include "fs/fuse/message.h"
#include "tests/fuzz/require.h"

using namespace veneer;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static int ends[2] = {-1, -1};
  if (ends[0] < 0) Require(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
  if (size == 0 || size > fuse::kMaxMessage) return 0;  // the first is the end of a line
  Require(::send(ends[0], data, size, 0) == static_cast<ssize_t>(size));
  const auto message = fuse::ReceiveMessage(ends[1]);
  if (!message) {
    Require(message.error().code() == ErrorCode::kFailed);
    return 0;
  }
  Require(message->has_value() && (*message)->json.is_object() && (*message)->descriptors.empty());
  static_cast<void>(fuse::ReadAnswer((*message)->json));
  if (!fuse::SendMessage(ends[0], (*message)->json)) return 0;  // longer than it came, and too long
  const auto again = fuse::ReceiveMessage(ends[1]);
  Require(again.has_value() && again->has_value());
  Require(nlohmann::json::to_cbor((*again)->json) == nlohmann::json::to_cbor((*message)->json));
  return 0;
}
