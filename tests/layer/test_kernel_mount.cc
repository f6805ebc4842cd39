// A layer file mounted by the kernel's EROFS as it is, and compared with its source. Needs root.
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "fs/io/file_ops.h"
#include "fs/io/process.h"
#include "tests/layer/fixture.h"
#include "tests/support/catch.h"
#include "tests/support/sample_tree.h"
#include "tests/support/tree_compare.h"

namespace veneer::test {
namespace {

// Something mounted for as long as this lives.
class Mount {
 public:
  Mount(const std::string& type, const std::string& source, const std::string& folder) : folder_(folder) {
    REQUIRE_OK(io::MakeFolders(folder));
    REQUIRE_OK(io::RunProgram({"mount", "-t", type, source, folder}));
  }
  ~Mount() { ::umount2(folder_.c_str(), MNT_DETACH); }
  Mount(const Mount&) = delete;
  Mount& operator=(const Mount&) = delete;

 private:
  std::string folder_;
};

TEST_CASE("the kernel shows the tree that was sealed") {
  const LayerFixture fixture;
  SampleTreeOptions options;
  options.holes = GENERATE(true, false);
  MakeSampleTree(fixture.At("tree"), options);
  REQUIRE_OK(fixture.SealBase(fixture.At("tree"), fixture.At("layer")));
  const Mount mount("erofs", fixture.At("layer"), fixture.At("mnt"));
  CHECK(DescribeDifferences(fixture.At("tree"), fixture.At("mnt"), {.folder_nlink = true}) == "");
}

TEST_CASE("the kernel shows holes where the tree has them") {
  const LayerFixture fixture;
  SampleTreeOptions options;
  MakeSampleTree(fixture.At("tree"), options);
  std::filesystem::remove(fixture.At("tree/files/zeros"));  // stored zeros, which a layer does not store
  REQUIRE_OK(fixture.SealBase(fixture.At("tree"), fixture.At("layer")));
  const Mount mount("erofs", fixture.At("layer"), fixture.At("mnt"));
  CHECK(DescribeDifferences(fixture.At("tree"), fixture.At("mnt"), {.hole_layout = true}) == "");
}

TEST_CASE("the comparison sees what differs") {
  const LayerFixture fixture;
  MakeSmallTree(fixture.At("tree"));
  REQUIRE_OK(fixture.SealBase(fixture.At("tree"), fixture.At("layer")));
  const Mount mount("erofs", fixture.At("layer"), fixture.At("mnt"));
  REQUIRE(DescribeDifferences(fixture.At("tree"), fixture.At("mnt")).empty());
  REQUIRE(::chmod(fixture.At("tree/folder/b").c_str(), 0600) == 0);
  CHECK(DescribeDifferences(fixture.At("tree"), fixture.At("mnt")) ==
        "/folder/b: mode 100600 against 100644\n");
}

TEST_CASE("a tree on another file system seals to the same root hash") {
  const LayerFixture fixture;
  MakeSampleTree(fixture.At("tree"), {});
  const auto here = fixture.SealBase(fixture.At("tree"), fixture.At("here"));
  REQUIRE_OK(here);
  const Mount mount("tmpfs", "none", fixture.At("tmpfs"));
  REQUIRE_OK(io::RunProgram({"cp", "-a", fixture.At("tree"), fixture.At("tmpfs/tree")}));
  const auto there = fixture.SealBase(fixture.At("tmpfs/tree"), fixture.At("there"));
  REQUIRE_OK(there);
  CHECK(ToHex(there->root_hash) == ToHex(here->root_hash));
}

TEST_CASE("what is mounted in a tree is not sealed into it") {
  const LayerFixture fixture;
  MakeSmallTree(fixture.At("tree"));
  const Mount mount("tmpfs", "none", fixture.At("tree/folder/mnt"));
  const auto result = fixture.SealBase(fixture.At("tree"), fixture.At("layer"));
  REQUIRE_FAILS(ErrorCode::kUsage, result);
  CHECK(result.error().message().find("tree/folder/mnt: something is mounted there") != std::string::npos);
}

TEST_CASE("a mount point can be the tree itself") {
  const LayerFixture fixture;
  const Mount mount("tmpfs", "none", fixture.At("tree"));
  MakeSmallTree(fixture.At("tree"));
  REQUIRE_OK(fixture.SealBase(fixture.At("tree"), fixture.At("layer")));
}

TEST_CASE("a full file system is named as such, and nothing is left on it") {
  const LayerFixture fixture;
  MakeSmallTree(fixture.At("tree"));
  WriteFile(fixture.At("tree/large"), std::string(3 << 20, 'x'));
  // From no room for the first blocks to room for all but the last ones.
  const int size = GENERATE(64, 512, 2048, 3072, 3140, 3168);
  INFO(size << " KiB");
  REQUIRE_OK(io::MakeFolders(fixture.At("small")));
  REQUIRE_OK(io::RunProgram(
      {"mount", "-t", "tmpfs", "-o", fmt::format("size={}k", size), "none", fixture.At("small")}));
  {
    const auto result = fixture.SealBase(fixture.At("tree"), fixture.At("small/layer"));
    CHECK(std::filesystem::is_empty(fixture.At("small")) == !result.has_value());
    if (size < 3168) REQUIRE_FAILS(ErrorCode::kNoSpace, result);
    if (!result) CHECK(result.error().message().find("small/layer") != std::string::npos);
  }
  REQUIRE(::umount(fixture.At("small").c_str()) == 0);
}

}  // namespace
}  // namespace veneer::test
