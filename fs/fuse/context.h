// What the request handlers share.
#pragma once

#include <atomic>
#include <cstdint>

#include "fs/base/error.h"
#include "fs/core/live_tree.h"
#include "fs/fuse/lookup_counts.h"

namespace veneer::fuse {

// Requests answered since the mount began. Each is read on its own: the set is no snapshot.
struct Counters {
  std::atomic<uint64_t> lookups{0};
  std::atomic<uint64_t> attributes{0};
  std::atomic<uint64_t> listings{0};
  std::atomic<uint64_t> reads{0};
  std::atomic<uint64_t> bytes{0};  // of file content
  std::atomic<uint64_t> xattrs{0};
  std::atomic<uint64_t> failures{0};  // answered with an error that is not of the caller's making
};

// Told of every request that failed for a reason of ours. Called from the threads that serve; must be quick
// and safe from several threads.
class FailureSink {
 public:
  virtual ~FailureSink() = default;
  virtual void OnFailure(core::NodeId node, const Error& error) = 0;
};

struct Context {
  core::LiveTree& tree;
  LookupCounts& lookup_counts;
  Counters& counters;
  FailureSink& failures;
};

}  // namespace veneer::fuse
