#include "fs/core/stale_nodes.h"

#include "tests/support/catch.h"
#include "tests/support/test_layers.h"

namespace veneer::core {
namespace {

using test::TestTree;

TEST_CASE("what a layer above replaces or hides is stale, and what a former layer had") {
  TestTree base;
  base.File("lib/a", "old")
      .File("lib/b", "kept")
      .File("gone/x", "1")
      .Link("two", "lib/a")
      .File("plain/f", "p");
  TestTree patch;
  patch.File("lib/a", "new").Whiteout("gone");
  TestTree former;
  former.File("lib/c", "c");
  const StackLayer below = base.Layer(1);
  const auto before = View::Build(1, {below, former.Layer(3)});
  REQUIRE_OK(before);
  const auto id = [](const View& view, const std::string& path) { return (*view.Walk(path))->id; };
  const std::set<NodeId> held = {kRootId,
                                 id(**before, "lib"),
                                 id(**before, "lib/b"),
                                 id(**before, "gone"),
                                 id(**before, "gone/x"),
                                 id(**before, "lib/c"),
                                 id(**before, "plain/f"),
                                 id(**before, "two")};
  const auto none = FindStale(**before, held);
  REQUIRE_OK(none);
  CHECK(none->empty());

  const auto after = View::Build(2, {below, patch.Layer(2)}, (*before)->table());
  REQUIRE_OK(after);
  const auto stale = FindStale(**after, held);
  REQUIRE_OK(stale);
  std::set<std::string> paths;
  for (const StaleNode& node : *stale) paths.insert(node.path);
  // One of the two links of "old" still leads to it.
  CHECK(paths == std::set<std::string>{"gone", "gone/x", "lib/c"});
}

}  // namespace
}  // namespace veneer::core
