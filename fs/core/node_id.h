// Node ids: a pure function of layer slot and EROFS nid (design §4), so that no table of inodes exists
// anywhere and a page in the kernel's cache can never belong to another generation.
#pragma once

#include <cstdint>

#include "fs/erofs/inode.h"

namespace veneer::core {

// Also st_ino. 1 is the root; every other is slot << 48 | nid with slot >= 1.
using NodeId = uint64_t;

inline constexpr NodeId kRootId = 1;
inline constexpr unsigned kNidBits = 48;
inline constexpr erofs::Nid kMaxNid = (erofs::Nid{1} << kNidBits) - 1;

constexpr NodeId MakeNodeId(uint16_t slot, erofs::Nid nid) {
  return NodeId{slot} << kNidBits | (nid & kMaxNid);
}
constexpr uint16_t SlotOf(NodeId id) {
  return static_cast<uint16_t>(id >> kNidBits);
}
constexpr erofs::Nid NidOf(NodeId id) {
  return id & kMaxNid;
}

}  // namespace veneer::core
