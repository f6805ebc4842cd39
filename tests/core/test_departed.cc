// Folders that a switch takes away, and that come back.
#include <algorithm>

#include "fs/core/changes.h"
#include "fs/core/live_tree.h"
#include "tests/support/catch.h"
#include "tests/support/test_layers.h"

namespace veneer::core {
namespace {

using test::TestTree;

// The views of stacks that follow each other on one mount.
class Following {
 public:
  std::shared_ptr<const View> Next(const std::vector<StackLayer>& stack) {
    auto view =
        View::Build(++generation_, stack, last_ == nullptr ? LayerTable() : last_->table(), last_.get());
    REQUIRE_OK(view);
    last_ = *view;
    return last_;
  }

 private:
  uint64_t generation_ = 0;
  std::shared_ptr<const View> last_;
};

Changes Between(const View& before, const View& after) {
  auto changes = Changes::Between(before, after);
  REQUIRE_OK(changes);
  return std::move(*changes);
}

NodeId IdOf(const View& view, NodeId folder, const std::string& name) {
  const auto node = view.Lookup(folder, name);
  REQUIRE_OK(node);
  return *node ? (*node)->id : 0;
}

struct Layers {
  StackLayer base = TestTree().File("d/f", "old").File("d/sub/g", "old").File("x", "1").Layer(1);
  StackLayer fix = TestTree().File("d/f", "mended").File("d/n", "n").File("d/sub/g", "mended").Layer(2);
  StackLayer removal = TestTree().Whiteout("d").Layer(3);
  StackLayer other = TestTree().File("d/f", "other").File("d/late", "l").Layer(4);
};

TEST_CASE("a merged folder that goes keeps what it held, for as long as it is away") {
  const Layers layers;
  Following following;
  const auto merged = following.Next({layers.base, layers.fix});
  const NodeId d = (*merged->Walk("d"))->id;
  const NodeId sub = (*merged->Walk("d/sub"))->id;
  for (int switches = 0; switches < 3; ++switches) {
    const auto away =
        following.Next(switches == 1 ? std::vector{layers.base, layers.fix, layers.removal, layers.other}
                                     : std::vector{layers.base, layers.fix, layers.removal});
    if (switches == 1) CHECK((*away->Walk("d"))->id != d);
    CHECK(IdOf(*away, d, "f") == IdOf(*merged, d, "f"));
    CHECK(IdOf(*away, d, "n") != 0);
    CHECK(IdOf(*away, d, "sub") == sub);
    CHECK(IdOf(*away, sub, "g") == IdOf(*merged, sub, "g"));
    CHECK(away->Get(d)->merged);
  }
  const auto plain = following.Next({layers.base});
  CHECK((*plain->Walk("d"))->id == d);
  CHECK(test::ReadFile(*plain, "d/f") == "old");
  CHECK(test::ReadFile(*plain, "d/sub/g") == "old");
  CHECK(IdOf(*plain, d, "n") == 0);
  CHECK_FALSE(plain->Get(d)->merged);
}

TEST_CASE("a folder that comes back is compared with what it gave out while it was away") {
  const Layers layers;
  Following following;
  const auto before = following.Next({layers.base});
  const NodeId d = (*before->Walk("d"))->id;
  const auto away = following.Next({layers.base, layers.removal});
  const Changes going = Between(*before, *away);
  CHECK(going.entries().size() == 1);
  CHECK(going.hidden().entries.empty());
  const auto back = following.Next({layers.base, layers.other});
  const Changes coming = Between(*away, *back);
  REQUIRE(coming.entries().size() == 1);
  CHECK(coming.entries()[0].path == "d");
  CHECK(coming.hidden().entries.size() == 2);
  CHECK(coming.HasEntry(d, "f"));
  CHECK(coming.HasEntry(d, "late"));
  CHECK(coming.HasFolder(d));
  const auto stale = coming.Stale();
  CHECK(std::find(stale.begin(), stale.end(), d) != stale.end());
}

TEST_CASE("a part of a folder that departed is shown as what it is now") {
  const Layers layers;
  const StackLayer base = TestTree().File("x", "1").Layer(5);
  Following following;
  const auto merged = following.Next({base, layers.fix, layers.other});
  const NodeId d = (*merged->Walk("d"))->id;
  const NodeId sub = (*merged->Walk("d/sub"))->id;
  // The lowest part goes, and with it the name: the other one is a folder of its own.
  const auto after = following.Next({base, layers.other});
  CHECK(SlotOf((*after->Walk("d"))->id) == layers.other.slot);
  CHECK(test::List(*after, "d") == std::vector<std::string>{"f", "late"});
  CHECK(IdOf(*after, d, "sub") == sub);
  const auto back = following.Next({base, layers.fix});
  CHECK((*back->Walk("d"))->id == d);
  CHECK(test::List(*back, "d") == std::vector<std::string>{"f", "n", "sub/"});
}

TEST_CASE("a folder that departed merged and comes back otherwise differs where the patches do") {
  const Layers layers;
  Following following;
  const auto merged = following.Next({layers.base, layers.fix});
  const NodeId d = (*merged->Walk("d"))->id;
  const NodeId sub = (*merged->Walk("d/sub"))->id;
  const auto away = following.Next({layers.base, layers.fix, layers.removal});
  CHECK(Between(*merged, *away).hidden().entries.empty());
  const Changes coming = Between(*away, *following.Next({layers.base}));
  CHECK(coming.HasEntry(d, "f"));
  CHECK(coming.HasEntry(d, "n"));
  CHECK(coming.HasEntry(sub, "g"));
  CHECK_FALSE(coming.HasEntry(d, "sub"));
}

// Writes down what it is told to forget.
class Listener final : public KernelCache {
 public:
  Status ForgetEntry(NodeId folder, std::string_view name) override {
    forgotten.push_back(fmt::format("{:#x} {}", folder, name));
    return {};
  }
  Status Barrier(NodeId) override { return {}; }
  Status ForgetAttributes(NodeId) override { return {}; }
  Status ForgetFolder(NodeId) override { return {}; }

  std::vector<std::string> forgotten;
};

TEST_CASE("letting go of a layer takes it from departed folders, and the kernel is told") {
  const Layers layers;
  Listener kernel;
  auto view = View::Build(1, {layers.base, layers.fix});
  REQUIRE_OK(view);
  const NodeId d = (*(*view)->Walk("d"))->id;
  const NodeId fixed = (*(*view)->Walk("d/f"))->id;
  LiveTree tree(*view, kernel);
  for (const auto& stack :
       {std::vector{layers.base, layers.fix, layers.removal}, std::vector{layers.base, layers.removal}}) {
    REQUIRE_OK(tree.Prepare(tree.generation() + 1, stack));
    REQUIRE_OK(tree.Commit());
  }
  CHECK(IdOf(*tree.Now()->view, d, "f") == fixed);
  kernel.forgotten.clear();
  REQUIRE_OK(tree.Release({layers.fix.slot}));
  CHECK(SlotOf(IdOf(*tree.Now()->view, d, "f")) == layers.base.slot);
  CHECK(kernel.forgotten == std::vector{fmt::format("{:#x} f", d), fmt::format("{:#x} n", d),
                                        fmt::format("{:#x} g", (*(*view)->Walk("d/sub"))->id)});
  CHECK(tree.Now()->pending == nullptr);
}

}  // namespace
}  // namespace veneer::core
