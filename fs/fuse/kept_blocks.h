// The blocks that a worker read to know what it serves, in memory that outlives it: the next one can serve
// though the device under a layer has failed meanwhile. See docs/adr/0008-kept-blocks.md.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "fs/io/block_source.h"
#include "fs/verity/spare_blocks.h"

namespace veneer::fuse {

// All zeros is the first state. Pages that nobody touches take no memory.
struct SharedBlocks {
  static constexpr size_t kCount = 16384;           // 64 MiB
  std::array<std::atomic<uint64_t>, kCount> names;  // 0: nothing is here
  std::array<io::BlockData, kCount> blocks;
};

// One process at a time keeps blocks; another may have been killed at it, or have lied. What finds no room is
// not kept.
class KeptBlocks final : public verity::SpareBlocks {
 public:
  using Tell = std::function<void(uint32_t owner, const Error& why)>;

  // Finds what `shared`, which must outlive this, has from a former process. `tell`, if given, is
  // called wherever a copy stands in for the device, on the thread that reads.
  explicit KeptBlocks(SharedBlocks& shared, Tell tell = {});

  // While one lives, what is offered on its thread is kept; nothing else is.
  class Keeping {
   public:
    Keeping() { ++depth_; }
    ~Keeping() { --depth_; }
    Keeping(const Keeping&) = delete;
    Keeping& operator=(const Keeping&) = delete;

   private:
    friend class KeptBlocks;
    static thread_local int depth_;
  };

  bool Find(uint32_t owner, uint64_t block, io::BlockData& out) override;
  void Offer(uint32_t owner, uint64_t block, const io::BlockData& data) override;

  void StoodIn(uint32_t owner, const Error& why) override {
    if (tell_) tell_(owner, why);
  }

  // Those of `owner` make room for others.
  void Forget(uint32_t owner);

 private:
  SharedBlocks& shared_;
  Tell tell_;
  std::mutex mutex_;
  std::unordered_map<uint64_t, uint32_t> places_;  // guarded by mutex_; by name
  std::vector<uint32_t> free_;                     // likewise
};

}  // namespace veneer::fuse
