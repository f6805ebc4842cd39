#include "fs/core/view_diff.h"

#include <fmt/ranges.h>

#include <filesystem>

#include "tests/support/catch.h"
#include "tests/support/test_layers.h"

namespace veneer::core {
namespace {

using test::TestTree;

// "+path", "-path" and "~path(aspects)", joined by blanks; without times, which these trees have from the
// clock.
std::string Describe(const View& before, const View& after) {
  auto changes = CompareViews(before, after, {});
  REQUIRE_OK(changes);
  std::vector<std::string> words;
  for (PathChange& change : *changes) {
    const bool timed = std::erase(change.aspects, "mtime") != 0;
    if (timed && change.aspects.empty()) continue;
    if (!change.before) {
      words.push_back("+" + change.path);
    } else if (!change.after) {
      words.push_back("-" + change.path);
    } else {
      words.push_back(fmt::format("~{}({})", change.path, fmt::join(change.aspects, ",")));
    }
  }
  return fmt::format("{}", fmt::join(words, " "));
}

TEST_CASE("what a patch does is told path by path") {
  TestTree base;
  base.File("a", "old").File("gone/x", "1").File("gone/y", "2").File("kind", "k").File("m", "same");
  base.Symlink("s", "one").Folder("d");
  TestTree patch;
  patch.File("a", "new").Whiteout("gone").File("kind/in", "k").File("m", "same", 0600);
  patch.Symlink("s", "two").File("d/deep/z", "z").File("b", "longer");
  const StackLayer below = base.Layer(1);
  const auto before = View::Build(1, {below});
  const auto after = View::Build(2, {below, patch.Layer(2)});
  REQUIRE_OK(before);
  REQUIRE_OK(after);
  CHECK(Describe(**before, **before) == "");
  const std::string forward = Describe(**before, **after);
  CHECK(forward ==
        "~a(content) +b +d/deep +d/deep/z -gone -gone/x -gone/y ~kind(type) +kind/in ~m(mode) ~s(target)");
  const std::string back = Describe(**after, **before);
  CHECK(back ==
        "~a(content) -b -d/deep -d/deep/z +gone +gone/x +gone/y ~kind(type) -kind/in ~m(mode) ~s(target)");
}

TEST_CASE("two images of one tree do not differ, whatever their slots") {
  TestTree tree;
  tree.File("d/f", "content").Symlink("l", "d/f").Xattr("d/f", "user.x", "1").Link("h", "d/f");
  const auto one = View::Build(1, {tree.Layer(1)});
  const auto two = View::Build(2, {tree.Layer(9)});
  REQUIRE_OK(one);
  REQUIRE_OK(two);
  CHECK(Describe(**one, **two) == "");
  tree.Xattr("d/f", "user.x", "2").File("same-size", "1234");
  const auto three = View::Build(3, {tree.Layer(3)});
  tree.File("same-size", "4321");
  const auto four = View::Build(4, {tree.Layer(4)});
  CHECK(Describe(**one, **three) == "~d/f(xattrs) ~h(xattrs) +same-size");
  CHECK(Describe(**three, **four) == "~same-size(content)");
}

TEST_CASE("a file with another time alone is named for its time") {
  TestTree tree;
  tree.File("f", "x");
  const auto one = View::Build(1, {tree.Layer(1)});
  std::filesystem::last_write_time(tree.path() + "/f", std::filesystem::file_time_type());
  const auto two = View::Build(2, {tree.Layer(2)});
  const auto changes = CompareViews(**one, **two, {});
  REQUIRE_OK(changes);
  REQUIRE(changes->size() == 1);
  CHECK(changes->front().path == "f");
  CHECK(changes->front().aspects == std::vector<std::string>{"mtime"});
}

}  // namespace
}  // namespace veneer::core
