#include "fs/fuse/lookup_journal.h"

#include <linux/fuse.h>

#include <algorithm>
#include <cstring>

namespace veneer::fuse {
namespace {

template <typename T>
T ReadAt(std::span<const std::byte> bytes, size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

}  // namespace

thread_local LookupJournal* LookupJournal::own_ = nullptr;

// Nothing of the last request may pass for a part of the next one, which may be there in part only: a thread
// that was killed can wait in the middle of reading. The header, which says how much there is, goes after the
// rest, and the count, without which all would be given back again, after both.
std::span<std::byte> LookupJournal::BeginRequest() {
  constexpr size_t kHeader = sizeof(fuse_in_header);
  const size_t used = std::clamp(size(), kHeader, kRequestSize);
  std::fill(request_.begin() + kHeader, request_.begin() + static_cast<ptrdiff_t>(used), std::byte{0});
  std::atomic_signal_fence(std::memory_order_release);
  std::fill_n(request_.begin(), kHeader, std::byte{0});
  given_back_.store(0, std::memory_order_release);
  return request_;
}

uint64_t LookupJournal::unique() const {
  return ReadAt<fuse_in_header>(request_, 0).unique;
}

size_t LookupJournal::size() const {
  return ReadAt<fuse_in_header>(request_, 0).len;
}

bool LookupJournal::GiveBack(LookupCounts& counts) {
  const auto header = ReadAt<fuse_in_header>(request_, 0);
  constexpr size_t kBody = sizeof header;
  if (header.opcode == FUSE_FORGET) {
    GiveBackOne(counts, 0, header.nodeid, ReadAt<fuse_forget_in>(request_, kBody).nlookup);
    return true;
  }
  if (header.opcode != FUSE_BATCH_FORGET) return false;
  constexpr size_t kFirst = kBody + sizeof(fuse_batch_forget_in);
  constexpr size_t kMost = (kRequestSize - kFirst) / sizeof(fuse_forget_one);
  const auto count = ReadAt<fuse_batch_forget_in>(request_, kBody).count;
  for (uint32_t i = 0; i < std::min<size_t>(count, kMost); ++i) {
    const auto one = ReadAt<fuse_forget_one>(request_, kFirst + i * sizeof(fuse_forget_one));
    GiveBackOne(counts, i, one.nodeid, one.nlookup);
  }
  return true;
}

// It is noted first: what is noted and was not done leaves the count too high.
void LookupJournal::GiveBackOne(LookupCounts& counts, uint32_t index, core::NodeId node, uint64_t nodes) {
  if (index < given_back_.load(std::memory_order_relaxed)) return;
  given_back_.store(index + 1, std::memory_order_release);
  counts.Remove(core::SlotOf(node), nodes);
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

// As with GiveBackOne.
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
