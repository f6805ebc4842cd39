// A request as the kernel writes it, as far as others than libfuse read it. Specification: Linux
// include/uapi/linux/fuse.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "fs/base/bytes.h"
#include "fs/core/node_id.h"

namespace veneer::fuse {

// The kernel gives nothing to a reader without room for the largest request: the most that may be written at
// once, and what stands before that.
inline constexpr uint32_t kMostWritten = 1 << 20;  // to be told to the kernel in the answer to FUSE_INIT
inline constexpr size_t kRequestSize = kMostWritten + 4096;

// The memory is not its own and may hold anything; what it says is bounded by that. All zeros is no request.
class Request {
 public:
  // `bytes`: kRequestSize of them.
  explicit Request(ByteSpan bytes) : bytes_(bytes) {}

  size_t size() const;  // up to kRequestSize, in bytes
  uint64_t unique() const;
  bool IsInit() const;

  // FORGET of either kind and INTERRUPT have no answer.
  bool HasAnswer() const;

  // What a FORGET of either kind gives back: `nodes` of what the kernel had counted of `node`.
  struct Forgotten {
    core::NodeId node;
    uint64_t nodes;
  };
  bool IsForget() const;
  uint32_t CountForgotten() const;              // 0 for other requests
  Forgotten ForgottenAt(uint32_t index) const;  // less than CountForgotten()

 private:
  template <typename T>
  T At(size_t offset) const;

  ByteSpan bytes_;
};

}  // namespace veneer::fuse
