#include "fs/core/explain.h"

#include "tests/support/catch.h"
#include "tests/support/test_layers.h"

namespace veneer::core {
namespace {

using test::TestTree;
using Role = LayerEntry::Role;

std::vector<std::pair<size_t, Role>> Roles(const View& view, const std::string& path) {
  const auto entries = Explain(view, path);
  REQUIRE_OK(entries);
  std::vector<std::pair<size_t, Role>> roles;
  for (const LayerEntry& entry : *entries) roles.emplace_back(entry.layer, entry.role);
  return roles;
}

using Expected = std::vector<std::pair<size_t, Role>>;

TEST_CASE("each layer's part in a path is told, topmost first") {
  TestTree base;
  base.File("etc/f", "old").File("etc/gone", "x").File("d/x", "1").File("only", "o");
  TestTree patch;
  patch.File("etc/f", "new").Whiteout("etc/gone").Opaque("d").File("d/y", "2");
  TestTree top;
  top.File("etc/f", "newest").File("d/x", "3").Folder("etc");
  const auto view = View::Build(1, {base.Layer(1), patch.Layer(2), top.Layer(3)});
  REQUIRE_OK(view);

  CHECK(Roles(**view, "etc/f") == Expected{{2, Role::kGives}, {1, Role::kHidden}, {0, Role::kHidden}});
  CHECK(Roles(**view, "etc") == Expected{{2, Role::kGives}, {1, Role::kMerges}, {0, Role::kMerges}});
  CHECK(Roles(**view, "etc/gone") == Expected{{1, Role::kHides}, {0, Role::kHidden}});
  CHECK(Roles(**view, "only") == Expected{{0, Role::kGives}});
  CHECK(Roles(**view, "nowhere").empty());
  CHECK(Roles(**view, "only/below").empty());
  TestTree again;
  again.File("etc/gone/z", "a folder over a whiteout");
  const auto higher = View::Build(2, {base.Layer(1), patch.Layer(2), again.Layer(3)});
  REQUIRE_OK(higher);
  CHECK(Roles(**higher, "etc/gone") == Expected{{2, Role::kGives}, {1, Role::kHidden}, {0, Role::kHidden}});

  const auto under_opaque = Explain(**view, "d/x");
  REQUIRE_OK(under_opaque);
  REQUIRE(under_opaque->size() == 2);
  CHECK((*under_opaque)[0].role == Role::kGives);
  CHECK((*under_opaque)[1].role == Role::kHidden);
  CHECK((*under_opaque)[1].layer == 0);
  CHECK((*under_opaque)[1].hidden_by == 1);
  CHECK((*under_opaque)[1].hidden_at == "d");
}

TEST_CASE("symlinks among the folders of a path are followed, its end is not") {
  TestTree base;
  base.File("usr/bin/sh", "s")
      .Symlink("bin", "usr/bin")
      .Symlink("abs", "/usr/./bin/")
      .Symlink("up", "../../usr");
  base.Symlink("usr/bin/link", "sh").Symlink("loop", "loop");
  const auto view = View::Build(1, {base.Layer(1)});
  REQUIRE_OK(view);
  const auto resolve = [&](const char* path) { return ResolveFolders(**view, path).value(); };
  CHECK(resolve("/bin/sh") == "usr/bin/sh");
  CHECK(resolve("abs//link") == "usr/bin/link");
  CHECK(resolve("up/bin/../bin/sh") == "usr/bin/sh");
  CHECK(resolve("bin") == "bin");
  CHECK(resolve("/") == "");
  CHECK(resolve("none/../x/y") == "x/y");
  REQUIRE_FAILS(ErrorCode::kUsage, ResolveFolders(**view, "loop/x"));
}

}  // namespace
}  // namespace veneer::core
