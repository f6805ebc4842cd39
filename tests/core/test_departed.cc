// Folders that a switch takes away, and that come back.
#include <algorithm>
#include <functional>

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
    if (on_forget) on_forget();
    return {};
  }
  Status Barrier(NodeId) override { return {}; }
  Status ForgetAttributes(NodeId) override { return {}; }
  Status ForgetFolder(NodeId) override { return {}; }

  std::vector<std::string> forgotten;
  std::function<void()> on_forget;
};

// A tree whose folder "d" was merged from the base and the fix, and departed.
struct Away {
  Layers layers;
  Listener kernel;
  std::shared_ptr<const View> merged = Built(layers);
  NodeId d = (*merged->Walk("d"))->id;
  NodeId sub = (*merged->Walk("d/sub"))->id;
  NodeId fixed = (*merged->Walk("d/f"))->id;
  LiveTree tree{merged, kernel};

  Away() {
    for (const auto& stack :
         {std::vector{layers.base, layers.fix, layers.removal}, std::vector{layers.base, layers.removal}}) {
      REQUIRE_OK(tree.Prepare(tree.generation() + 1, stack));
      REQUIRE_OK(tree.Commit());
    }
    REQUIRE(InFolder("f") == fixed);
    kernel.forgotten.clear();
  }

  NodeId InFolder(const std::string& name) const { return IdOf(*tree.Now()->view, d, name); }

  static std::shared_ptr<const View> Built(const Layers& layers) {
    auto view = View::Build(1, {layers.base, layers.fix});
    REQUIRE_OK(view);
    return *view;
  }
};

TEST_CASE("letting go of a layer takes it from departed folders, and the kernel is told") {
  Away away;
  const auto released = away.tree.Release({away.layers.fix.slot}, [](uint16_t) { return false; });
  REQUIRE_OK(released);
  CHECK(*released == std::set{away.layers.fix.slot});
  CHECK(SlotOf(away.InFolder("f")) == away.layers.base.slot);
  CHECK(away.kernel.forgotten == std::vector{fmt::format("{:#x} f", away.d), fmt::format("{:#x} n", away.d),
                                             fmt::format("{:#x} g", away.sub)});
  CHECK(away.tree.Now()->pending == nullptr);
  CHECK_FALSE(away.tree.Now()->view->Get(away.fixed).has_value());
}

TEST_CASE("what a departed folder gives out while its layer is to go stays") {
  Away away;
  const uint16_t slot = away.layers.fix.slot;
  NodeId given_out = 0;
  away.kernel.on_forget = [&] { given_out = away.InFolder("f"); };  // under way while the kernel is told
  const auto released = away.tree.Release({slot}, [&](uint16_t asked) {
    CHECK(away.InFolder("f") != away.fixed);  // nobody can get it any more
    return SlotOf(given_out) == asked;
  });
  REQUIRE_OK(released);
  CHECK(given_out == away.fixed);
  CHECK(released->empty());
  CHECK(away.tree.Now()->view->Get(given_out).has_value());
  away.kernel.on_forget = nullptr;
  REQUIRE_OK(away.tree.Release({slot}, [](uint16_t) { return false; }));
  CHECK_FALSE(away.tree.Now()->view->Get(given_out).has_value());
}

}  // namespace
}  // namespace veneer::core
