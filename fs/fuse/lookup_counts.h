// How many nodes of each layer the kernel knows: FUSE's lookup counts, kept by layer and not by node.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace veneer::fuse {

// The kernel counts one for each reply that names a node, and gives them back with FORGET when it drops the
// node. While a layer's count is 0 nobody can ask for anything in it. Counts are taken before the reply is
// sent and given back after the FORGET has come, so a count is never too low; what a thread that is killed in
// between leaves is in its LookupJournal. Safe from several threads and processes.
class LookupCounts {
 public:
  void Add(uint16_t slot, uint64_t nodes) {
    counts_[slot].fetch_add(static_cast<int64_t>(nodes), std::memory_order_relaxed);
  }
  void Remove(uint16_t slot, uint64_t nodes) {
    counts_[slot].fetch_sub(static_cast<int64_t>(nodes), std::memory_order_acq_rel);
  }

  int64_t Of(uint16_t slot) const { return counts_[slot].load(std::memory_order_acquire); }

 private:
  std::array<std::atomic<int64_t>, 65536> counts_{};  // by slot; 0 is the root, which has no end
};

}  // namespace veneer::fuse
