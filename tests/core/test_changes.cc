#include "fs/core/changes.h"

#include <algorithm>

#include "tests/support/catch.h"
#include "tests/support/test_layers.h"

namespace veneer::core {
namespace {

using test::TestTree;
using Paths = std::vector<std::string>;

struct Views {
  std::shared_ptr<const View> before;
  std::shared_ptr<const View> after;
};

Views BuildViews(const std::vector<StackLayer>& before, const std::vector<StackLayer>& after) {
  auto a = View::Build(1, before);
  auto b = View::Build(2, after);
  REQUIRE_OK(a);
  REQUIRE_OK(b);
  return {*a, *b};
}

Changes Between(const Views& views) {
  auto changes = Changes::Between(*views.before, *views.after);
  REQUIRE_OK(changes);
  return std::move(*changes);
}

Paths EntryPaths(const Changes& changes) {
  Paths paths;
  for (const ChangedEntry& entry : changes.entries()) paths.push_back(entry.path);
  std::sort(paths.begin(), paths.end());
  return paths;
}

Paths FolderPaths(const Changes& changes) {
  Paths paths;
  for (const ChangedFolder& folder : changes.folders()) paths.push_back(folder.path);
  std::sort(paths.begin(), paths.end());
  return paths;
}

TEST_CASE("changed entries are those that a patch names") {
  TestTree base;
  base.File("usr/bin/a", "1")
      .File("usr/bin/b", "2")
      .File("usr/bin/c", "3")
      .File("etc/x", "4")
      .File("gone/y", "5");
  TestTree patch;
  patch.File("usr/bin/a", "new")
      .File("usr/bin/new", "n")
      .Whiteout("usr/bin/b")
      .Whiteout("gone")
      .File("add/z", "6");
  const StackLayer below = base.Layer(1);
  const Views views = BuildViews({below}, {below, patch.Layer(2)});
  const Changes changes = Between(views);
  CHECK(EntryPaths(changes) == Paths{"add", "gone", "usr/bin/a", "usr/bin/b", "usr/bin/new"});
  CHECK(FolderPaths(changes) == Paths{"", "usr", "usr/bin"});
  const NodeId bin = (*views.before->Walk("usr/bin"))->id;
  CHECK(changes.HasEntry(bin, "a"));
  CHECK(changes.HasEntry(bin, "new"));
  CHECK_FALSE(changes.HasEntry(bin, "c"));
  CHECK(changes.HasFolder(bin));
  const NodeId etc = (*views.before->Walk("etc"))->id;
  CHECK_FALSE(changes.HasFolder(etc));
  const auto stale = changes.Stale();
  CHECK(std::count(stale.begin(), stale.end(), bin) == 1);
  CHECK(std::count(stale.begin(), stale.end(), etc) == 0);
}

TEST_CASE("going back is the same the other way round") {
  TestTree base;
  base.File("a", "1").File("d/b", "2");
  TestTree patch;
  patch.File("a", "n").Whiteout("d/b").File("d/c", "3");
  const StackLayer below = base.Layer(1);
  const StackLayer above = patch.Layer(2);
  const Changes there = Between(BuildViews({below}, {below, above}));
  const Changes back = Between(BuildViews({below, above}, {below}));
  CHECK(EntryPaths(there) == EntryPaths(back));
  REQUIRE(there.entries().size() == back.entries().size());
  for (size_t i = 0; i < there.entries().size(); ++i) {
    CHECK(there.entries()[i].before == back.entries()[i].after);
    CHECK(there.entries()[i].after == back.entries()[i].before);
  }
}

TEST_CASE("the same stack differs in nothing, and neither does an unchanged middle") {
  TestTree base;
  base.File("a", "1");
  TestTree one;
  one.File("d1/x", "1");
  TestTree two;
  two.File("d2/y", "2");
  const StackLayer a = base.Layer(1);
  const StackLayer b = one.Layer(2);
  const StackLayer c = two.Layer(3);
  CHECK(Between(BuildViews({a, b}, {a, b})).empty());
  CHECK(EntryPaths(Between(BuildViews({a, b, c}, {a, b}))) == Paths{"d2"});
  CHECK(EntryPaths(Between(BuildViews({a, b, c}, {a, c}))) == Paths{"d1"});
}

TEST_CASE("a folder with other attributes and the same content is told") {
  TestTree base;
  base.Folder("d/e", 0755).File("d/e/x", "1");
  TestTree patch;
  patch.Folder("d/e", 0700);
  const StackLayer below = base.Layer(1);
  const Views views = BuildViews({below}, {below, patch.Layer(2)});
  const Changes changes = Between(views);
  CHECK(changes.entries().empty());
  CHECK(FolderPaths(changes) == Paths{"", "d", "d/e"});
  for (const ChangedFolder& folder : changes.folders()) {
    if (folder.path == "d/e") CHECK(folder.parent == (*views.before->Walk("d"))->id);
  }
}

TEST_CASE("a folder that becomes opaque is another folder") {
  TestTree base;
  base.File("d/x", "1");
  TestTree patch;
  patch.Opaque("d").File("d/y", "2");
  const StackLayer below = base.Layer(1);
  CHECK(EntryPaths(Between(BuildViews({below}, {below, patch.Layer(2)}))) == Paths{"d"});
}

TEST_CASE("another base changes all that is in the root") {
  TestTree one;
  one.File("a", "1").File("b/c", "2");
  TestTree two;
  two.File("a", "1").File("d", "3");
  CHECK(EntryPaths(Between(BuildViews({one.Layer(1)}, {two.Layer(2)}))) == Paths{"a", "b", "d"});
}

}  // namespace
}  // namespace veneer::core
