// What outlives the worker: counts and blocks, in memory that supervisor and worker share.
#pragma once

#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "fs/base/error.h"
#include "fs/base/unique_fd.h"
#include "fs/fuse/counters.h"
#include "fs/fuse/kept_blocks.h"
#include "fs/fuse/lookup_counts.h"
#include "fs/fuse/lookup_journal.h"
#include "fs/verity/counters.h"

namespace veneer::fuse {

static_assert(std::atomic<uint64_t>::is_always_lock_free && std::atomic<int64_t>::is_always_lock_free,
              "a lock would not be shared between processes");

// The most threads that serve a mount.
inline constexpr unsigned kMaxThreads = 256;

// All zeros is its first state; pages that nobody touches take no memory. A program that takes a mount over
// gets it as the former one left it: what is here stays where it is, and new counters come into the room for
// them.
struct SharedState {
  LookupCounts lookup_counts;
  verity::CacheCounters cache;
  std::array<verity::ReaderCounters, 65536> layers;  // by slot
  Counters counters;
  std::array<std::byte, 16384 - sizeof(Counters)> room;
  SharedBlocks blocks;
  std::array<LookupJournal, kMaxThreads> journals;  // one for each thread that serves
};
// Where the next version of the program looks for them: whoever changes that gives the state another schema.
static_assert(offsetof(SharedState, blocks) == offsetof(SharedState, counters) + 16384);
static_assert(offsetof(SharedState, journals) == 17573 * 4096 && sizeof(LookupJournal) == 258 * 4096);

// A SharedState in a memory file, mapped for as long as this lives, with the journals of `threads` threads
// and no others: there is no more memory for whoever shares it and is not trusted. A child made by fork has
// it at the same place.
class SharedMemory {
 public:
  // `threads`: up to kMaxThreads. kIo where there is no memory for it.
  static Result<SharedMemory> Create(unsigned threads);
  // Takes over the descriptor of one that another process made, maybe of another version: a shorter one gets
  // longer. kIo.
  static Result<SharedMemory> Map(UniqueFd memory, unsigned threads);

  SharedState& operator*() const { return *state_; }
  SharedState* operator->() const { return state_.get(); }
  int fd() const { return memory_.get(); }

 private:
  struct Unmapper {
    size_t size;
    void operator()(SharedState* state) const;
  };
  using Mapped = std::unique_ptr<SharedState, Unmapper>;
  SharedMemory(UniqueFd memory, Mapped state) : memory_(std::move(memory)), state_(std::move(state)) {}

  UniqueFd memory_;
  Mapped state_;
};

}  // namespace veneer::fuse
