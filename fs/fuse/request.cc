#include "fs/fuse/request.h"

#include <linux/fuse.h>

#include <algorithm>
#include <cstring>

namespace veneer::fuse {
namespace {

constexpr size_t kBody = sizeof(fuse_in_header);
constexpr size_t kFirst = kBody + sizeof(fuse_batch_forget_in);

}  // namespace

template <typename T>
T Request::At(size_t offset) const {
  T value;
  std::memcpy(&value, bytes_.subspan(offset, sizeof value).data(), sizeof value);
  return value;
}

size_t Request::size() const {
  return std::min<size_t>(At<fuse_in_header>(0).len, kRequestSize);
}

uint64_t Request::unique() const {
  return At<fuse_in_header>(0).unique;
}

bool Request::IsInit() const {
  return At<fuse_in_header>(0).opcode == FUSE_INIT;
}

bool Request::HasAnswer() const {
  return !IsForget() && At<fuse_in_header>(0).opcode != FUSE_INTERRUPT;
}

bool Request::IsForget() const {
  const uint32_t opcode = At<fuse_in_header>(0).opcode;
  return opcode == FUSE_FORGET || opcode == FUSE_BATCH_FORGET;
}

uint32_t Request::CountForgotten() const {
  constexpr uint32_t kMost = (kRequestSize - kFirst) / sizeof(fuse_forget_one);
  const uint32_t opcode = At<fuse_in_header>(0).opcode;
  if (opcode == FUSE_FORGET) return 1;
  return opcode == FUSE_BATCH_FORGET ? std::min(At<fuse_batch_forget_in>(kBody).count, kMost) : 0;
}

Request::Forgotten Request::ForgottenAt(uint32_t index) const {
  const auto header = At<fuse_in_header>(0);
  if (header.opcode == FUSE_FORGET) return {header.nodeid, At<fuse_forget_in>(kBody).nlookup};
  const auto one = At<fuse_forget_one>(kFirst + index * sizeof(fuse_forget_one));
  return {one.nodeid, one.nlookup};
}

}  // namespace veneer::fuse
