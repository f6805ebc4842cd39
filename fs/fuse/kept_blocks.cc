#include "fs/fuse/kept_blocks.h"

#include <utility>

namespace veneer::fuse {
namespace {

constexpr unsigned kBlockBits = 44;  // of a block's place in its file

uint64_t NameOf(uint32_t owner, uint64_t block) {
  return (static_cast<uint64_t>(owner) + 1) << kBlockBits | block;
}

}  // namespace

thread_local int KeptBlocks::Keeping::depth_ = 0;

KeptBlocks::KeptBlocks(SharedBlocks& shared, Tell tell) : shared_(shared), tell_(std::move(tell)) {
  for (uint32_t place = SharedBlocks::kCount; place-- > 0;) {
    const uint64_t name = shared_.names[place].load(std::memory_order_acquire);
    if (name == 0 || !places_.emplace(name, place).second) free_.push_back(place);
  }
}

bool KeptBlocks::Find(uint32_t owner, uint64_t block, io::BlockData& out) {
  const std::lock_guard lock(mutex_);
  const auto found = places_.find(NameOf(owner, block));
  if (found == places_.end()) return false;
  out = shared_.blocks[found->second];
  return true;
}

// The name comes after the block: one who is killed in between leaves nothing that has a name.
void KeptBlocks::Offer(uint32_t owner, uint64_t block, const io::BlockData& data) {
  if (Keeping::depth_ == 0) return;
  const uint64_t name = NameOf(owner, block);
  const std::lock_guard lock(mutex_);
  if (const auto found = places_.find(name); found != places_.end()) {
    io::BlockData& kept = shared_.blocks[found->second];
    if (kept != data) kept = data;
    return;
  }
  if (free_.empty()) return;
  const uint32_t place = free_.back();
  free_.pop_back();
  shared_.blocks[place] = data;
  shared_.names[place].store(name, std::memory_order_release);
  places_.emplace(name, place);
}

void KeptBlocks::Forget(uint32_t owner) {
  const std::lock_guard lock(mutex_);
  std::erase_if(places_, [&](const auto& kept) {
    if (kept.first >> kBlockBits != static_cast<uint64_t>(owner) + 1) return false;
    shared_.names[kept.second].store(0, std::memory_order_release);
    free_.push_back(kept.second);
    return true;
  });
}

}  // namespace veneer::fuse
