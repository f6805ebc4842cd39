// Keeps requests that wait for one device from taking all the threads that serve.
//
// A disk that dies may hang long before it fails, and a thread that reads from it hangs as long. What reads
// from different layers goes in lanes of its own, and a lane holds fewer threads than there are: what comes
// beyond that waits in a queue, which takes no thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "fs/core/node_id.h"

namespace veneer::fuse {

// Safe from several threads.
class Lanes {
 public:
  using Work = std::function<void()>;

  // For `threads` that serve, 2 or more. Three lanes that stand still leave some of 4 or more: as many as a
  // patch has that changes folders of one other layer.
  explicit Lanes(unsigned threads) : most_(std::max(1U, (threads - 1) / 3)), lanes_(kLanes) {}

  // Where the requests about the content of a file go, and those about names and attributes: these may read
  // other layers too, where a folder is of several.
  static size_t OfContent(core::NodeId node) { return Hash(core::SlotOf(node), 0); }
  static size_t OfNames(core::NodeId node) { return Hash(core::SlotOf(node), 1); }

  // Carries `work` out: here and now, or where its lane is full as soon as there is room, on a thread that
  // was in it. It must not throw. Throws std::bad_alloc where it can be neither carried out nor kept.
  template <typename Callable>
  void Run(size_t number, Callable work) {
    Lane& lane = lanes_[number];
    {
      const std::lock_guard lock(lane.mutex);
      if (lane.busy == most_) {
        lane.waiting.emplace_back(std::move(work));
        return;
      }
      ++lane.busy;
    }
    work();
    while (const Work next = Next(lane)) next();
  }

 private:
  static constexpr size_t kLanes = 1024;  // two layers that share one are none the worse for it

  struct Lane {
    std::mutex mutex;
    unsigned busy = 0;         // guarded by mutex
    std::deque<Work> waiting;  // likewise
  };

  static size_t Hash(uint16_t slot, size_t kind) { return (2 * size_t{slot} + kind) % kLanes; }

  // What is to be carried out after something was; nothing, and there is room in the lane again, where
  // nobody waits.
  static Work Next(Lane& lane) {
    const std::lock_guard lock(lane.mutex);
    if (lane.waiting.empty()) {
      --lane.busy;
      return nullptr;
    }
    Work next = std::move(lane.waiting.front());
    lane.waiting.pop_front();
    return next;
  }

  unsigned most_;
  std::vector<Lane> lanes_;
};

}  // namespace veneer::fuse
