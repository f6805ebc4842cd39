// Verified blocks in private memory, bounded: hash blocks and metadata blocks of all layers share one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "fs/io/block_source.h"
#include "fs/verity/counters.h"

namespace veneer::verity {

// Least recently used blocks go first. Safe from several threads; sharded, so that readers seldom meet.
class BlockCache {
 public:
  // `capacity`: bytes of block data kept at most. Less than one block: nothing is kept. Counts in `shared`,
  // which must outlive it and whose hits and misses go on from what they are; null: in itself.
  explicit BlockCache(size_t capacity, CacheCounters* shared = nullptr);
  ~BlockCache();
  BlockCache(const BlockCache&) = delete;
  BlockCache& operator=(const BlockCache&) = delete;

  // `owner` names the layer (its slot), `block` the 4096-byte block of the layer file.
  // The block, or null where it is not here.
  io::BlockRef Find(uint32_t owner, uint64_t block);

  // Keeps `data`, which must have been verified; a block of the same name is replaced.
  void Insert(uint32_t owner, uint64_t block, io::BlockRef data);

  struct Counters {
    uint64_t hits = 0;
    uint64_t misses = 0;
    uint64_t bytes = 0;  // held now
  };
  static Counters SumOf(const CacheCounters& counters);
  Counters counters() const { return SumOf(*counters_); }

 private:
  struct Shard;
  size_t ShardOf(uint32_t owner, uint64_t block) const;

  size_t shard_count_;
  size_t blocks_per_shard_;
  std::unique_ptr<Shard[]> shards_;  // each has a mutex of its own
  std::unique_ptr<CacheCounters> own_counters_;
  CacheCounters* counters_;  // by shard
};

}  // namespace veneer::verity
