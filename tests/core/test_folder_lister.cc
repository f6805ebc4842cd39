#include "fs/core/folder_lister.h"

#include <set>

#include "tests/support/catch.h"
#include "tests/support/test_layers.h"

namespace veneer::core {
namespace {

using test::TestTree;

struct Listed {
  std::string name;
  Cookie cookie = 0;
};

// Up to `most` entries behind `cookie`, as one getdents call would get them.
std::vector<Listed> ListSome(const View& view, NodeId folder, Cookie cookie, size_t most) {
  auto lister = FolderLister::Open(view, folder, cookie);
  REQUIRE_OK(lister);
  std::vector<Listed> listed;
  while (lister->entry() != nullptr && listed.size() < most) {
    listed.push_back({std::string(lister->entry()->name), lister->entry()->cookie});
    REQUIRE_OK(lister->Next());
  }
  return listed;
}

TEST_CASE("a listing goes on at any entry, whatever the size of the pieces") {
  TestTree base;
  TestTree patch;
  std::set<std::string> expected = {".", ".."};
  for (int i = 0; i < 700; ++i) {
    const std::string name = fmt::format("{}-{:03}", i % 3 == 0 ? "a" : "file with a longer name", i);
    if (i % 5 != 0) base.File("d/" + name, "base");
    if (i % 4 == 0) patch.File("d/" + name, "patch");
    if (i % 5 != 0 || i % 4 == 0) expected.insert(name);
  }
  patch.Whiteout("d/a-003");
  expected.erase("a-003");
  const auto view = View::Build(7, {base.Layer(1), patch.Layer(2)});
  REQUIRE_OK(view);
  const NodeId folder = (*(*view)->Walk("d"))->id;

  for (const size_t piece : {size_t{1}, size_t{7}, size_t{300}, size_t{10000}}) {
    std::vector<std::string> names;
    Cookie cookie = 0;
    for (;;) {
      const auto listed = ListSome(**view, folder, cookie, piece);
      if (listed.empty()) break;
      for (const Listed& entry : listed) names.push_back(entry.name);
      cookie = listed.back().cookie;
    }
    CHECK(names == std::vector<std::string>(expected.begin(), expected.end()));
  }
}

TEST_CASE("cookies are distinct, never 0, fit 63 bits and name their generation") {
  TestTree base;
  base.File("a", "1").File("b", "2");
  for (const uint64_t generation : {uint64_t{0}, uint64_t{1}, (uint64_t{1} << 26) - 1, uint64_t{1} << 40}) {
    const auto view = View::Build(generation, {base.Layer(1)});
    REQUIRE_OK(view);
    std::set<Cookie> seen;
    for (const Listed& entry : ListSome(**view, kRootId, 0, 100)) {
      CHECK(entry.cookie != 0);
      CHECK(entry.cookie >> 63 == 0);
      CHECK(seen.insert(entry.cookie).second);
      CHECK(GenerationInCookie(entry.cookie) == CookieGeneration(generation));
    }
    CHECK(seen.size() == 4);
  }
}

TEST_CASE("a forged cookie does no harm") {
  TestTree base;
  base.File("a", "1").File("b", "2");
  const auto view = View::Build(1, {base.Layer(1)});
  REQUIRE_OK(view);
  for (unsigned bit = 0; bit < 63; ++bit) {
    auto lister = FolderLister::Open(**view, kRootId, (Cookie{2} << 37) ^ (Cookie{1} << bit));
    if (!lister) continue;
    for (int i = 0; i < 10 && lister->entry() != nullptr; ++i) REQUIRE_OK(lister->Next());
    CHECK(lister->entry() == nullptr);
  }
}

TEST_CASE(".. is the folder above as the union names it") {
  TestTree base;
  base.File("d/sub/x", "1");
  TestTree patch;
  patch.File("d/sub/y", "2").File("d/own/z", "3");
  const auto view = View::Build(1, {base.Layer(1), patch.Layer(2)});
  REQUIRE_OK(view);
  const NodeId parent = (*(*view)->Walk("d"))->id;
  for (const char* path : {"d/sub", "d/own"}) {
    auto lister = FolderLister::Open(**view, (*(*view)->Walk(path))->id, 0);
    REQUIRE_OK(lister);
    while (lister->entry() != nullptr && lister->entry()->name != "..") REQUIRE_OK(lister->Next());
    REQUIRE(lister->entry() != nullptr);
    CHECK(lister->EntryId() == parent);
  }
}

TEST_CASE("what is no folder cannot be listed") {
  TestTree base;
  base.File("f", "1");
  const auto view = View::Build(1, {base.Layer(1)});
  REQUIRE_OK(view);
  REQUIRE_FAILS(ErrorCode::kUsage, FolderLister::Open(**view, (*(*view)->Walk("f"))->id, 0));
}

}  // namespace
}  // namespace veneer::core
