// What the request handlers share.
#pragma once

#include "fs/base/error.h"
#include "fs/core/live_tree.h"
#include "fs/fuse/counters.h"
#include "fs/fuse/lanes.h"
#include "fs/fuse/lookup_counts.h"

namespace veneer::fuse {

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
  Lanes& lanes;
};

}  // namespace veneer::fuse
