// What readers and caches count. All zeros is the first state of each, so that they may lie in memory which
// outlives the process that counts. Safe from several threads; each is read on its own: together they are no
// snapshot.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace veneer::verity {

// Each on a cache line of its own: every reader writes it.
struct alignas(64) ReaderCounters {
  std::atomic<uint64_t> blocks_verified{0};  // data and hash blocks read and found right
  std::atomic<uint64_t> failures{0};         // blocks that did not match
};

// Of one part of the cache; see block_cache.h.
struct alignas(64) ShardCounters {
  std::atomic<uint64_t> hits{0};
  std::atomic<uint64_t> misses{0};
  std::atomic<uint64_t> bytes{0};  // held now
};

inline constexpr size_t kMaxCacheShards = 16;
using CacheCounters = std::array<ShardCounters, kMaxCacheShards>;

}  // namespace veneer::verity
