#include "fs/core/view.h"

#include "fs/core/folder_lister.h"
#include "fs/erofs/overlay.h"
#include "tests/support/catch.h"
#include "tests/support/test_layers.h"

namespace veneer::core {
namespace {

using test::List;
using test::ReadFile;
using test::TestTree;
using Names = std::vector<std::string>;

std::shared_ptr<const View> BuildView(const std::vector<StackLayer>& stack) {
  auto view = View::Build(1, stack);
  REQUIRE_OK(view);
  return *view;
}

TEST_CASE("the topmost layer wins and folders merge") {
  TestTree base;
  base.File("usr/bin/a", "old a").File("usr/bin/b", "old b").File("etc/conf", "c");
  TestTree patch;
  patch.File("usr/bin/a", "new a").File("usr/bin/c", "new c");
  const auto view = BuildView({base.Layer(1), patch.Layer(2)});
  CHECK(ReadFile(*view, "usr/bin/a") == "new a");
  CHECK(ReadFile(*view, "usr/bin/b") == "old b");
  CHECK(ReadFile(*view, "usr/bin/c") == "new c");
  CHECK(List(*view, "usr/bin") == Names{"a", "b", "c"});
  CHECK(List(*view, "") == Names{"etc/", "usr/"});
}

TEST_CASE("whiteouts hide and are not shown") {
  TestTree base;
  base.File("d/keep", "1").File("d/gone", "2").Folder("d/folder").File("d/folder/x", "3");
  TestTree patch;
  patch.Whiteout("d/gone").Whiteout("d/folder").Whiteout("d/never-was");
  const auto view = BuildView({base.Layer(1), patch.Layer(2)});
  CHECK(List(*view, "d") == Names{"keep"});
  CHECK(ReadFile(*view, "d/gone") == "(absent)");
  CHECK(ReadFile(*view, "d/folder/x") == "(absent)");
}

TEST_CASE("an opaque folder hides all below it") {
  TestTree base;
  base.File("d/old", "1").File("d/sub/old", "2");
  TestTree lower;
  lower.Opaque("d").File("d/mid", "3").File("d/sub/mid", "4");
  TestTree upper;
  upper.File("d/new", "5").File("d/sub/new", "6");
  const auto view = BuildView({base.Layer(1), lower.Layer(2), upper.Layer(3)});
  CHECK(List(*view, "d") == Names{"mid", "new", "sub/"});
  CHECK(List(*view, "d/sub") == Names{"mid", "new"});
}

TEST_CASE("the opaque mark on a root counts for nothing, as with overlayfs") {
  TestTree base;
  base.File("old", "1");
  TestTree upper;
  upper.Opaque("").File("new", "2");
  CHECK(List(*BuildView({base.Layer(1), upper.Layer(2)}), "") == Names{"new", "old"});
}

TEST_CASE("a folder stops merging at what is no folder") {
  TestTree base;
  base.File("x/old", "1");
  TestTree lower;
  lower.File("x", "a file");
  TestTree upper;
  upper.File("x/new", "2");
  CHECK(List(*BuildView({base.Layer(1), lower.Layer(2), upper.Layer(3)}), "x") == Names{"new"});
  CHECK(ReadFile(*BuildView({base.Layer(1), lower.Layer(2)}), "x") == "a file");
  // Without the middle layer, exactly the others are there.
  CHECK(List(*BuildView({base.Layer(1), upper.Layer(3)}), "x") == Names{"new", "old"});
}

TEST_CASE("a merged folder is named by its lowest layer and looks like its topmost") {
  TestTree base;
  base.Folder("d", 0755).File("d/a", "1");
  TestTree patch;
  patch.Folder("d", 0700).File("d/b", "2");
  const StackLayer below = base.Layer(1);
  const auto alone = BuildView({below});
  const auto both = BuildView({below, patch.Layer(2)});
  const auto before = alone->Walk("d");
  const auto after = both->Walk("d");
  REQUIRE_OK(before);
  REQUIRE_OK(after);
  CHECK((*before)->id == (*after)->id);
  CHECK(SlotOf((*after)->id) == 1);
  CHECK(((*before)->inode.mode & 07777) == 0755);
  CHECK(((*after)->inode.mode & 07777) == 0700);
  CHECK((*after)->merged);
  CHECK_FALSE((*before)->merged);
}

TEST_CASE("a file of another layer is another inode, and the same file the same") {
  TestTree base;
  base.File("f", "1").File("g", "2");
  TestTree patch;
  patch.File("f", "1");
  const StackLayer below = base.Layer(1);
  const auto alone = BuildView({below});
  const auto both = BuildView({below, patch.Layer(2)});
  CHECK((*alone->Walk("f"))->id != (*both->Walk("f"))->id);
  CHECK((*alone->Walk("g"))->id == (*both->Walk("g"))->id);
}

TEST_CASE("ids of layers outside the stack are served for those who hold them") {
  TestTree base;
  base.File("f", "old");
  TestTree patch;
  patch.File("f", "new").File("only/x", "in the patch");
  const StackLayer below = base.Layer(1);
  const auto both = View::Build(1, {below, patch.Layer(2)});
  REQUIRE_OK(both);
  const auto alone = View::Build(2, {below}, (*both)->table());
  REQUIRE_OK(alone);
  const NodeId folder = (*(*both)->Walk("only"))->id;
  CHECK(ReadFile(**alone, "only/x") == "(absent)");
  const auto held = (*alone)->Lookup(folder, "x");
  REQUIRE_OK(held);
  CHECK(held->has_value());
  REQUIRE_FAILS(ErrorCode::kNotFound, (*alone)->Get(MakeNodeId(77, 36)));
  const auto without = View::Build(2, {below}, *(*both)->table().Without({2}));
  REQUIRE_OK(without);
  REQUIRE_FAILS(ErrorCode::kNotFound, (*without)->Get(folder));
}

TEST_CASE("a folder that is held and merged into another leads on through its own layer") {
  TestTree base;
  base.File("a/b/old", "1");
  TestTree patch;
  patch.File("a/b/new", "2");
  const StackLayer below = base.Layer(1);
  const StackLayer above = patch.Layer(2);
  const auto alone = View::Build(1, {above});
  const auto both = View::Build(2, {below, above});
  REQUIRE_OK(alone);
  REQUIRE_OK(both);
  const NodeId held = (*(*alone)->Walk("a"))->id;
  const NodeId inside = (*(*alone)->Walk("a/b"))->id;
  CHECK((*(*both)->Walk("a/b"))->id != inside);
  CHECK((*(*both)->Lookup(held, "b"))->id == inside);
  auto lister = FolderLister::Open(**both, held, 0);
  REQUIRE_OK(lister);
  while (lister->entry()->name != "b") REQUIRE_OK(lister->Next());
  CHECK(lister->EntryId() == inside);
}

TEST_CASE("private xattrs are told from the rest") {
  CHECK(erofs::IsPrivateXattr("trusted.overlay.opaque"));
  CHECK(erofs::IsPrivateXattr("trusted.overlay.origin"));
  CHECK_FALSE(erofs::IsPrivateXattr("trusted.overlays"));
  CHECK_FALSE(erofs::IsPrivateXattr("user.overlay.opaque"));
}

TEST_CASE("a stack has at least one layer, each with a slot") {
  REQUIRE_FAILS(ErrorCode::kUsage, View::Build(1, {}));
  TestTree base;
  REQUIRE_FAILS(ErrorCode::kUsage, View::Build(1, {base.Layer(0)}));
}

}  // namespace
}  // namespace veneer::core
