#include "fs/verity/block_cache.h"

#include <algorithm>
#include <list>
#include <mutex>
#include <unordered_map>

namespace veneer::verity {
namespace {

struct Key {
  uint32_t owner = 0;
  uint64_t block = 0;

  bool operator==(const Key&) const = default;
};

// Spreads neighbouring blocks and owners over all bits; the finalizer of MurmurHash3.
uint64_t Mix(Key key) {
  uint64_t x = key.block ^ uint64_t { key.owner } << 40;
  x = (x ^ x >> 33) * 0xff51afd7ed558ccdU;
  x = (x ^ x >> 33) * 0xc4ceb9fe1a85ec53U;
  return x ^ x >> 33;
}

struct KeyHash {
  size_t operator()(Key key) const { return Mix(key); }
};

struct Entry {
  Key key;
  io::BlockRef data;
};

}  // namespace

// `mutex` guards all the rest. It is held for a few pointer changes only, and no other lock is taken under
// it. A cache line of its own keeps readers of neighbouring shards apart.
struct alignas(64) BlockCache::Shard {
  mutable std::mutex mutex;
  std::list<Entry> recent;  // most recently used first
  std::unordered_map<Key, std::list<Entry>::iterator, KeyHash> index;
};

BlockCache::BlockCache(size_t capacity, CacheCounters* shared)
    : shard_count_(std::clamp<size_t>(capacity / kBlockSize, 1, kMaxCacheShards)),
      blocks_per_shard_(capacity / kBlockSize / shard_count_),
      shards_(std::make_unique<Shard[]>(shard_count_)),
      own_counters_(shared == nullptr ? std::make_unique<CacheCounters>() : nullptr),
      counters_(shared == nullptr ? own_counters_.get() : shared) {
  for (ShardCounters& counters : *counters_) counters.bytes = 0;  // nothing is held yet
}

BlockCache::~BlockCache() = default;

// The low bits choose the bucket within the shard, so the high ones choose the shard.
size_t BlockCache::ShardOf(uint32_t owner, uint64_t block) const {
  return (Mix({owner, block}) >> 32) % shard_count_;
}

io::BlockRef BlockCache::Find(uint32_t owner, uint64_t block) {
  const size_t number = ShardOf(owner, block);
  Shard& shard = shards_[number];
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.index.find({owner, block});
  if (found == shard.index.end()) {
    (*counters_)[number].misses.fetch_add(1, std::memory_order_relaxed);
    return nullptr;
  }
  (*counters_)[number].hits.fetch_add(1, std::memory_order_relaxed);
  shard.recent.splice(shard.recent.begin(), shard.recent, found->second);
  return found->second->data;
}

void BlockCache::Insert(uint32_t owner, uint64_t block, io::BlockRef data) {
  if (blocks_per_shard_ == 0) return;
  const Key key{owner, block};
  // Made before the lock and, where it holds what was pushed out, freed behind it.
  std::list<Entry> moving;
  moving.push_back({key, std::move(data)});

  const size_t number = ShardOf(owner, block);
  Shard& shard = shards_[number];
  const std::lock_guard lock(shard.mutex);
  const auto [place, is_new] = shard.index.try_emplace(key, moving.begin());
  if (!is_new) {
    // Another thread read the same block meanwhile.
    std::swap(place->second->data, moving.front().data);
    shard.recent.splice(shard.recent.begin(), shard.recent, place->second);
    return;
  }
  shard.recent.splice(shard.recent.begin(), moving);
  if (shard.recent.size() > blocks_per_shard_) {
    shard.index.erase(shard.recent.back().key);
    moving.splice(moving.begin(), shard.recent, std::prev(shard.recent.end()));
  }
  (*counters_)[number].bytes.store(shard.recent.size() * kBlockSize, std::memory_order_relaxed);
}

BlockCache::Counters BlockCache::SumOf(const CacheCounters& counters) {
  Counters sum;
  for (const ShardCounters& shard : counters) {
    sum.hits += shard.hits.load(std::memory_order_relaxed);
    sum.misses += shard.misses.load(std::memory_order_relaxed);
    sum.bytes += shard.bytes.load(std::memory_order_relaxed);
  }
  return sum;
}

}  // namespace veneer::verity
