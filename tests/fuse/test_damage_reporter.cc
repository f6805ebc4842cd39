#include "fs/fuse/damage_reporter.h"

#include "tests/support/catch.h"

namespace veneer::fuse {
namespace {

constexpr size_t kMost = DamageReporter::kMostOfLayer;

// What a reporter tells, and how much it does not. Not to be looked at before Finish.
struct Told {
  std::map<uint16_t, std::vector<std::string>> messages;  // by slot
  std::atomic<uint64_t> untold{0};
  DamageReporter reporter{[this](core::NodeId node, const Error& error) {
                            messages[core::SlotOf(node)].push_back(error.message());
                          },
                          untold};

  void Report(uint16_t slot, size_t block) {
    reporter.Report(core::MakeNodeId(slot, 36), {ErrorCode::kCorrupt, fmt::format("block {}", block)});
  }
};

TEST_CASE("a failure is told once, however often it comes") {
  Told told;
  for (int i = 0; i < 3; ++i) {
    told.Report(1, 7);
    told.Report(1, 8);
  }
  told.reporter.Finish();
  CHECK(told.messages.at(1) == std::vector<std::string>{"block 7", "block 8"});
  CHECK(told.untold == 0);
}

TEST_CASE(
    "of a layer that fails everywhere so many are told, the last as the last, and the rest are counted") {
  Told told;
  for (size_t block = 0; block < kMost + 5; ++block) told.Report(1, block);
  told.Report(1, 0);        // was told
  told.Report(1, kMost);    // was not
  told.Report(2, 1000000);  // of another layer
  told.reporter.Finish();
  REQUIRE(told.messages.at(1).size() == kMost);
  CHECK(told.messages.at(1).at(kMost - 2) == "block 998");
  CHECK(told.messages.at(1).back() ==
        "block 999; this is number 1000 of its layer, and more of them are not told");
  CHECK(told.untold == 6);
  CHECK(told.messages.at(2) == std::vector<std::string>{"block 1000000"});
}

TEST_CASE("what comes back once its layer was forgotten is told again") {
  Told told;
  for (size_t block = 0; block < kMost; ++block) told.Report(1, block);
  told.Report(2, 7);
  told.reporter.Forget(1);
  told.Report(1, 7);
  told.Report(2, 7);
  told.reporter.Finish();
  REQUIRE(told.messages.at(1).size() == kMost + 1);
  CHECK(told.messages.at(1).back() == "block 7");
  CHECK(told.messages.at(2).size() == 1);
  CHECK(told.untold == 0);
}

}  // namespace
}  // namespace veneer::fuse
