// What a thread that serves has in hand of the look-up counts, in memory that outlives it. A thread may be
// killed after the kernel has given back what it read in a FORGET and before the count was lowered, or after
// a count was raised and before the kernel had the reply. Whoever comes next sets that right.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <span>

#include "fs/base/bytes.h"
#include "fs/core/node_id.h"
#include "fs/core/view.h"
#include "fs/fuse/lookup_counts.h"
#include "fs/fuse/request.h"

namespace veneer::fuse {

// All zeros is the first state. For one thread at a time; each instant of it may be the thread's last. Where
// it cannot be told what was done, the count stays too high, which keeps a layer open, and is never too low.
class LookupJournal {
 public:
  // Of this thread, which must have one.
  static LookupJournal& Own() { return *own_; }
  void BelongToThisThread() { own_ = this; }

  // Where the next request is to be read to, kRequestSize bytes. Nothing is in hand from now on.
  MutableByteSpan BeginRequest();

  // What was read since; no request where nothing was.
  Request request() const { return Request(request_); }

  // Lowers `counts` by what the request gives back, as far as that was not done. Whether it is a FORGET, with
  // which nothing else is to be done.
  bool GiveBack(LookupCounts& counts);

  // Raises `counts` by `nodes`, which the answer to the request `unique` names, and calls `send`, which sends
  // it: the counts stay where that returns 0.
  template <typename Send>
  void Answer(LookupCounts& counts, uint64_t unique, std::span<const core::NodeId> nodes, const Send& send) {
    Take(counts, unique, nodes);
    if (send() != 0) TakeBack(counts);
    answering_.store(0, std::memory_order_release);
  }

  // Sets `counts` right after the thread's process was killed: from then on nothing is in hand.
  // `is_unanswered` says whether the kernel surely waits for the answer to a request still. Before each time
  // that requests are sent again, which may give them other numbers, and before another thread uses this. A
  // process that lives may write here all the while; no more than `counts` suffer.
  void Settle(LookupCounts& counts, const std::function<bool(uint64_t unique)>& is_unanswered);

 private:
  struct Taken {
    uint16_t slot;
    uint64_t nodes;
  };

  void Take(LookupCounts& counts, uint64_t unique, std::span<const core::NodeId> nodes);
  void TakeBack(LookupCounts& counts);

  static constinit thread_local LookupJournal* own_;

  // In this order also where the next version of the program looks for them: see SharedState.
  std::atomic<uint64_t> answering_;   // the request that is being answered; 0 for none
  std::atomic<uint32_t> counted_;     // of taken_, what is in the counts
  std::atomic<uint32_t> given_back_;  // of what the request in hand gives back
  std::array<Taken, core::kMaxStack> taken_;
  alignas(4096) std::array<uint8_t, kRequestSize> request_;
};

}  // namespace veneer::fuse
