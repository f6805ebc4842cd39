// Requests of a layer whose device hangs leave threads for the others.
#include "fs/fuse/lanes.h"

#include <atomic>
#include <latch>
#include <thread>

#include "tests/support/catch.h"
#include "tests/support/until.h"

namespace veneer::fuse {
namespace {

constexpr core::NodeId kHangs = core::MakeNodeId(1, 7);
constexpr core::NodeId kSound = core::MakeNodeId(2, 7);
constexpr unsigned kThreads = 8;

// As many threads as serve, each of which takes requests for `lane` until there are no more.
class Servers {
 public:
  Servers(Lanes& lanes, size_t lane, int requests, const Lanes::Work& work) : left_(requests) {
    for (unsigned i = 0; i < kThreads; ++i) {
      threads_.emplace_back([this, &lanes, lane, work] {
        while (left_-- > 0) lanes.Run(lane, work);
        ++free_;
      });
    }
  }
  unsigned free() const { return free_; }

 private:
  std::atomic<int> left_;
  std::atomic<unsigned> free_{0};
  std::vector<std::jthread> threads_;
};

// Whatever a test finds, threads must not wait for ever.
class Release {
 public:
  explicit Release(std::latch& latch) : latch_(latch) {}
  ~Release() { latch_.count_down(); }
  Release(const Release&) = delete;
  Release& operator=(const Release&) = delete;

 private:
  std::latch& latch_;
};

TEST_CASE("what hangs in a lane leaves threads free, and is carried out once it goes on") {
  Lanes lanes(kThreads);
  std::latch device(1);
  std::atomic<int> under_way{0};
  std::atomic<int> most{0};
  std::atomic<int> done{0};
  constexpr int kRequests = 100;
  constexpr unsigned kHeld = (kThreads - 1) / 3;
  {
    const Servers servers(lanes, Lanes::OfContent(kHangs), kRequests, [&] {
      const int now = ++under_way;
      for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) continue;
      device.wait();
      --under_way;
      ++done;
    });
    const Release at_last(device);
    // All but these have nothing to do any more, though nothing is done.
    test::Until("free threads", [&] { return servers.free() == kThreads - kHeld; });
    CHECK(done == 0);
    int others = 0;
    lanes.Run(Lanes::OfContent(kSound), [&] { ++others; });
    lanes.Run(Lanes::OfNames(kHangs), [&] { ++others; });
    CHECK(others == 2);
  }
  CHECK(done == kRequests);
  CHECK(most == kHeld);
  int again = 0;
  lanes.Run(Lanes::OfContent(kHangs), [&] { ++again; });
  CHECK(again == 1);
}

}  // namespace
}  // namespace veneer::fuse
