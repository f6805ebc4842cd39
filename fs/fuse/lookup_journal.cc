#include "fs/fuse/lookup_journal.h"

#include <algorithm>

namespace veneer::fuse {

constinit thread_local LookupJournal* LookupJournal::own_ = nullptr;

// Nothing of the last request may pass for a part of the next one, which may be there in part only: a thread
// that was killed can wait in the middle of reading. The header, which says how much there is, goes after the
// rest, and the count, without which all would be given back again, after both.
MutableByteSpan LookupJournal::BeginRequest() {
  constexpr size_t kBegin = 64;  // has the header
  const size_t end = std::max(request().size(), kBegin);
  std::fill(request_.begin() + kBegin, request_.begin() + static_cast<ptrdiff_t>(end), uint8_t{0});
  std::atomic_signal_fence(std::memory_order_release);
  std::fill_n(request_.begin(), kBegin, uint8_t{0});
  given_back_.store(0, std::memory_order_release);
  return request_;
}

// It is noted first: what is noted and was not done leaves the count too high.
bool LookupJournal::GiveBack(LookupCounts& counts) {
  const uint32_t end = request().CountForgotten();
  for (uint32_t i = given_back_.load(std::memory_order_relaxed); i < end; ++i) {
    const Request::Forgotten forgotten = request().ForgottenAt(i);
    given_back_.store(i + 1, std::memory_order_release);
    counts.Remove(core::SlotOf(forgotten.node), forgotten.nodes);
  }
  return request().IsForget();
}

// Nodes of more layers than a view has are counted and not noted.
void LookupJournal::Take(LookupCounts& counts, uint64_t unique, std::span<const core::NodeId> nodes) {
  size_t used = 0;
  for (const core::NodeId node : nodes) {
    const uint16_t slot = core::SlotOf(node);
    const auto end = taken_.begin() + static_cast<ptrdiff_t>(used);
    const auto known = std::find_if(taken_.begin(), end, [&](const Taken& one) { return one.slot == slot; });
    if (known != end) {
      ++known->nodes;
    } else if (used < taken_.size()) {
      taken_[used++] = {slot, 1};
    } else {
      counts.Add(slot, 1);
    }
  }
  counted_.store(0, std::memory_order_relaxed);
  answering_.store(unique, std::memory_order_release);
  for (size_t i = 0; i < used; ++i) {
    counts.Add(taken_[i].slot, taken_[i].nodes);
    counted_.store(static_cast<uint32_t>(i + 1), std::memory_order_release);
  }
}

// As in GiveBack.
void LookupJournal::TakeBack(LookupCounts& counts) {
  for (size_t i = std::min<size_t>(counted_.load(std::memory_order_relaxed), taken_.size()); i > 0; --i) {
    const Taken taken = taken_[i - 1];
    counted_.store(static_cast<uint32_t>(i - 1), std::memory_order_release);
    counts.Remove(taken.slot, taken.nodes);
  }
}

void LookupJournal::Settle(LookupCounts& counts, const std::function<bool(uint64_t)>& is_unanswered) {
  GiveBack(counts);
  BeginRequest();
  const uint64_t unique = answering_.load(std::memory_order_acquire);
  if (unique != 0 && is_unanswered(unique)) TakeBack(counts);
  answering_.store(0, std::memory_order_release);
}

}  // namespace veneer::fuse
