// Sealing: what comes out, and that it depends on the tree alone.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <filesystem>

#include "fs/crypto/sha256.h"
#include "fs/format/trailer.h"
#include "fs/io/file_ops.h"
#include "fs/io/process.h"
#include "tests/layer/fixture.h"
#include "tests/support/catch.h"
#include "tests/support/sample_tree.h"

namespace veneer::test {
namespace {

namespace stdfs = std::filesystem;

// Whether the programs that know the parts of a layer accept all of them.
void RequireAccepted(const LayerFixture& fixture, const std::string& path, const layer::SealResult& result) {
  REQUIRE_OK(io::RunProgram({"fsck.erofs", path}));
  const std::string offset = fmt::format("--hash-offset={}", result.image_size);
  REQUIRE_OK(io::RunProgram({"veritysetup", "verify", path, path, ToHex(result.root_hash), offset}));
  Digest wrong = result.root_hash;
  wrong[0] ^= 1;
  REQUIRE_FAILS(ErrorCode::kFailed,
                io::RunProgram({"veritysetup", "verify", path, path, ToHex(wrong), offset}));

  const Bytes file = ReadFile(path);
  REQUIRE(file.size() == result.file_size);
  const auto trailer = format::DecodeTrailer(ByteSpan(file).last(sizeof(format::RawTrailer)), file.size());
  REQUIRE_OK(trailer);
  REQUIRE_OK(io::WriteFileAtomically(fixture.At("cms"),
                                     ByteSpan(file).subspan(trailer->cms_offset, trailer->cms_size)));
  REQUIRE_OK(io::RunProgram({"openssl", "cms", "-verify", "-inform", "DER", "-in", fixture.At("cms"),
                             "-CAfile", fixture.base_keys().ca_path, "-purpose", "any", "-binary", "-out",
                             fixture.At("text")}));
  CHECK(ToHex(crypto::Sha256(ReadFile(fixture.At("text")))) == result.layer_id);
}

TEST_CASE("a sealed tree is accepted by the tools that know its parts") {
  const LayerFixture fixture;
  SampleTreeOptions options = SampleTreeForMe();
  options.holes = GENERATE(true, false);  // in chunks, and plain
  INFO("holes: " << options.holes);
  MakeSampleTree(fixture.At("tree"), options);
  const auto result = fixture.SealBase(fixture.At("tree"), fixture.At("layer"));
  REQUIRE_OK(result);
  RequireAccepted(fixture, fixture.At("layer"), *result);

  const auto layer = fixture.Open(fixture.At("layer"));
  REQUIRE_OK(layer);
  CHECK((*layer)->id() == result->layer_id);
  const format::Manifest& manifest = (*layer)->manifest();
  CHECK(manifest.name == "sample 1");
  CHECK(manifest.root_hash == result->root_hash);
  CHECK(manifest.image_size == result->image_size);
  CHECK(manifest.tree_offset == result->image_size);
  CHECK(result->file_size ==
        manifest.tree_offset + manifest.tree_size + (*layer)->signed_manifest().cms.size() + 128);
  REQUIRE_OK(ReadAll(**layer));
}

TEST_CASE("an empty folder can be sealed") {
  const LayerFixture fixture;
  REQUIRE_OK(io::MakeFolders(fixture.At("tree")));
  const auto result = fixture.SealBase(fixture.At("tree"), fixture.At("layer"));
  REQUIRE_OK(result);
  RequireAccepted(fixture, fixture.At("layer"), *result);
}

TEST_CASE("the same tree seals to the same root hash, wherever and however it was made") {
  const LayerFixture fixture;
  SampleTreeOptions options = SampleTreeForMe();
  options.holes = GENERATE(true, false);
  MakeSampleTree(fixture.At("tree"), options);
  const auto first = fixture.SealBase(fixture.At("tree"), fixture.At("first"));
  REQUIRE_OK(first);
  const auto again = fixture.SealBase(fixture.At("tree"), fixture.At("again"));
  REQUIRE_OK(again);
  CHECK(ToHex(again->root_hash) == ToHex(first->root_hash));

  options.order = 4711;
  REQUIRE_OK(io::MakeFolders(fixture.At("elsewhere/deeper")));
  MakeSampleTree(fixture.At("elsewhere/deeper/other"), options);
  const auto other = fixture.SealBase(fixture.At("elsewhere/deeper/other"), fixture.At("other"));
  REQUIRE_OK(other);
  CHECK(ToHex(other->root_hash) == ToHex(first->root_hash));

  REQUIRE_OK(io::RunProgram({"cp", "-a", fixture.At("tree"), fixture.At("copy")}));
  const auto copy = fixture.SealBase(fixture.At("copy"), fixture.At("copied"));
  REQUIRE_OK(copy);
  CHECK(ToHex(copy->root_hash) == ToHex(first->root_hash));
}

TEST_CASE("zeros that are stored and zeros that are not seal alike") {
  const LayerFixture fixture;
  MakeSmallTree(fixture.At("tree"));
  const auto seal = [&](const std::string& output) {
    const timespec times[2] = {{5, 5}, {5, 5}};
    REQUIRE(::utimensat(AT_FDCWD, fixture.At("tree/zeros").c_str(), times, 0) == 0);
    REQUIRE(::utimensat(AT_FDCWD, fixture.At("tree").c_str(), times, 0) == 0);
    const auto result = fixture.SealBase(fixture.At("tree"), output);
    REQUIRE_OK(result);
    return ToHex(result->root_hash);
  };
  WriteFile(fixture.At("tree/zeros"), std::string(1 << 20, '\0'));
  const std::string stored = seal(fixture.At("stored"));
  REQUIRE(::truncate(fixture.At("tree/zeros").c_str(), 0) == 0);
  REQUIRE(::truncate(fixture.At("tree/zeros").c_str(), 1 << 20) == 0);
  CHECK(seal(fixture.At("holes")) == stored);
}

TEST_CASE("another mtime by one nanosecond is another root hash") {
  const LayerFixture fixture;
  MakeSmallTree(fixture.At("tree"));
  const auto before = fixture.SealBase(fixture.At("tree"), fixture.At("before"));
  REQUIRE_OK(before);
  struct stat st {};
  REQUIRE(::lstat(fixture.At("tree/a").c_str(), &st) == 0);
  const timespec times[2] = {{0, UTIME_OMIT}, {st.st_mtim.tv_sec, (st.st_mtim.tv_nsec + 1) % 1000000000}};
  REQUIRE(::utimensat(AT_FDCWD, fixture.At("tree/a").c_str(), times, 0) == 0);
  const auto after = fixture.SealBase(fixture.At("tree"), fixture.At("after"));
  REQUIRE_OK(after);
  CHECK(ToHex(after->root_hash) != ToHex(before->root_hash));
}

TEST_CASE("the order in which xattrs were set does not show") {
  const LayerFixture fixture;
  MakeSmallTree(fixture.At("tree"));
  const std::string file = fixture.At("tree/a");
  const auto seal = [&](std::vector<const char*> names, const std::string& output) {
    for (const char* name : names) ::removexattr(file.c_str(), name);
    for (const char* name : names) REQUIRE(::setxattr(file.c_str(), name, "v", 1, 0) == 0);
    const auto result = fixture.SealBase(fixture.At("tree"), output);
    REQUIRE_OK(result);
    return ToHex(result->root_hash);
  };
  const std::string forth = seal({"user.a", "user.bb", "user.ccc"}, fixture.At("forth"));
  CHECK(seal({"user.ccc", "user.bb", "user.a"}, fixture.At("back")) == forth);
  CHECK(seal({"user.bb", "user.a", "user.ccc"}, fixture.At("mixed")) == forth);
}

TEST_CASE("patches may hold overlayfs marks, bases may not") {
  if (::geteuid() != 0) return;
  const LayerFixture fixture;
  MakeSmallTree(fixture.At("tree"));
  REQUIRE(::mknod(fixture.At("tree/gone").c_str(), S_IFCHR, 0) == 0);
  const auto whiteout = fixture.SealBase(fixture.At("tree"), fixture.At("layer"));
  REQUIRE_FAILS(ErrorCode::kUsage, whiteout);
  CHECK(whiteout.error().message().find("tree/gone: an overlayfs whiteout") != std::string::npos);
  REQUIRE_OK(fixture.SealPatch(fixture.At("tree"), fixture.At("patch-1")));

  stdfs::remove(fixture.At("tree/gone"));
  REQUIRE(::setxattr(fixture.At("tree/folder").c_str(), "trusted.overlay.opaque", "y", 1, 0) == 0);
  const auto opaque = fixture.SealBase(fixture.At("tree"), fixture.At("layer"));
  REQUIRE_FAILS(ErrorCode::kUsage, opaque);
  CHECK(opaque.error().message().find("tree/folder: the overlayfs mark trusted.overlay.opaque") !=
        std::string::npos);
  REQUIRE_OK(fixture.SealPatch(fixture.At("tree"), fixture.At("patch-2")));
  const auto patch = fixture.Open(fixture.At("patch-2"));
  REQUIRE_OK(patch);
  CHECK((*patch)->manifest().component == "part");

  REQUIRE(::setxattr(fixture.At("tree/a").c_str(), "trusted.overlay.metacopy", "", 0, 0) == 0);
  REQUIRE_FAILS(ErrorCode::kUsage, fixture.SealPatch(fixture.At("tree"), fixture.At("patch-3")));
  CHECK_FALSE(stdfs::exists(fixture.At("patch-3")));
}

}  // namespace
}  // namespace veneer::test
