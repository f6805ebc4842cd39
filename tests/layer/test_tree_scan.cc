// What ScanTree lists, and what it refuses.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <filesystem>
#include <map>

#include "fs/crypto/sha256.h"
#include "fs/io/file_ops.h"
#include "fs/layer/tree_scan.h"
#include "tests/layer/fixture.h"
#include "tests/support/catch.h"
#include "tests/support/sample_tree.h"
#include "tests/support/scratch.h"

namespace veneer::layer {
namespace {

namespace stdfs = std::filesystem;
using test::Scratch;
using test::WriteFile;

std::map<std::string, TreeEntry> ByPath(const TreeListing& listing) {
  std::map<std::string, TreeEntry> entries;
  for (const TreeEntry& entry : listing.entries) entries.emplace(entry.path, entry);
  return entries;
}

Digest DigestOf(const std::string& tree) {
  const auto listing = ScanTree(tree, {});
  REQUIRE_OK(listing);
  return listing->digest;
}

// Sets the mtime of `path` alone.
void SetTime(const std::string& path, int64_t seconds, long nanoseconds) {
  const timespec times[2] = {{0, UTIME_OMIT}, {seconds, nanoseconds}};
  REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW) == 0);
}

TEST_CASE("a listing holds what lstat and the files say") {
  const Scratch scratch;
  const std::string tree = scratch / "tree";
  test::MakeSampleTree(tree, test::SampleTreeForMe());
  const auto listing = ScanTree(tree, {});
  REQUIRE_OK(listing);
  CHECK(listing->root == stdfs::canonical(tree));
  CHECK(listing->entries.front().path.empty());

  size_t paths = 1;
  for (const auto& unused : stdfs::recursive_directory_iterator(tree)) {
    (void)unused;
    ++paths;
  }
  CHECK(listing->entries.size() == paths);
  for (size_t i = 0; i < listing->entries.size(); ++i) {
    const TreeEntry& entry = listing->entries[i];
    INFO(entry.path);
    if (i > 0) REQUIRE(listing->entries[i - 1].path < entry.path);
    struct stat st {};
    REQUIRE(::lstat(listing->PathOf(entry).c_str(), &st) == 0);
    CHECK(entry.mode == st.st_mode);
    CHECK(entry.uid == st.st_uid);
    CHECK(entry.gid == st.st_gid);
    CHECK(entry.nlink == st.st_nlink);
    CHECK(entry.mtime == st.st_mtim.tv_sec);
    CHECK(entry.mtime_nsec == st.st_mtim.tv_nsec);
    if (!entry.IsFolder()) CHECK(entry.size == static_cast<uint64_t>(st.st_size));
  }
  const auto entries = ByPath(*listing);
  CHECK(entries.at("links/hard-2").first_link == entries.at("files/hard-3").first_link);
  CHECK(listing->entries[entries.at("links/hard-2").first_link].path == "files/hard-3");
  CHECK(entries.at("links/long").target == std::string(4095, 't'));
  CHECK(entries.at("files/size-4097").content == crypto::Sha256(test::ReadFile(tree + "/files/size-4097")));
  CHECK(entries.at("files/all-hole").zero_blocks == 513);
  CHECK(entries.at("files/zeros").zero_blocks == 10);
  CHECK(entries.at("files/size-8192").zero_blocks == 0);
  CHECK(entries.at("xattrs/file").xattrs.size() == 6);
}

TEST_CASE("a listing's digest does not depend on place and order") {
  const Scratch scratch;
  test::SampleTreeOptions options = test::SampleTreeForMe();
  test::MakeSampleTree(scratch / "one", options);
  options.order = 99;
  REQUIRE_OK(io::MakeFolders(scratch / "elsewhere"));
  test::MakeSampleTree(scratch / "elsewhere/another name", options);
  CHECK(ToHex(DigestOf(scratch / "one")) == ToHex(DigestOf(scratch / "elsewhere/another name")));
}

TEST_CASE("a listing's digest changes with each single change") {
  const Scratch scratch;
  const std::string tree = scratch / "tree";
  test::MakeSmallTree(tree);
  WriteFile(tree + "/hard", "x");
  stdfs::create_hard_link(tree + "/hard", tree + "/hard-2");
  const auto freeze = [&] {
    for (const auto& entry : stdfs::recursive_directory_iterator(tree)) SetTime(entry.path(), 5, 5);
    SetTime(tree, 5, 5);
  };
  freeze();
  Digest before = DigestOf(tree);
  const auto changed = [&](const char* what) {
    INFO(what);
    const Digest after = DigestOf(tree);
    CHECK(ToHex(after) != ToHex(before));
    before = after;
  };
  CHECK(ToHex(DigestOf(tree)) == ToHex(before));

  WriteFile(tree + "/a", "content of A");
  freeze();
  changed("content");
  REQUIRE(::chmod((tree + "/a").c_str(), 0600) == 0);
  changed("mode");
  SetTime(tree + "/a", 5, 6);
  changed("mtime");
  SetTime(tree, 6, 5);
  changed("mtime of the root");
  SetTime(tree + "/link", 6, 5);
  changed("mtime of a symlink");
  REQUIRE(::setxattr((tree + "/a").c_str(), "user.x", "1", 1, 0) == 0);
  changed("xattr");
  REQUIRE(::setxattr((tree + "/a").c_str(), "user.x", "2", 1, 0) == 0);
  changed("xattr value");
  stdfs::rename(tree + "/a", tree + "/c");
  freeze();
  changed("name");
  stdfs::remove(tree + "/link");
  stdfs::create_symlink("folder/c", tree + "/link");
  freeze();
  changed("target");
  stdfs::remove(tree + "/hard-2");
  WriteFile(tree + "/hard-2", "x");
  freeze();
  changed("hard link");
  stdfs::remove(tree + "/folder/b");
  freeze();
  changed("removal");
}

TEST_CASE("links from outside do not count") {
  const Scratch scratch;
  const std::string tree = scratch / "tree";
  test::MakeSmallTree(tree);
  const Digest before = DigestOf(tree);
  stdfs::create_hard_link(tree + "/a", scratch / "outside");
  const auto listing = ScanTree(tree, {});
  REQUIRE_OK(listing);
  CHECK(ByPath(*listing).at("a").nlink == 1);
  CHECK(ToHex(listing->digest) == ToHex(before));
}

TEST_CASE("what is no tree is refused by name") {
  const Scratch scratch;
  test::MakeSmallTree(scratch / "tree");
  const auto missing = ScanTree(scratch / "missing", {});
  REQUIRE_FAILS(ErrorCode::kNotFound, missing);
  CHECK(missing.error().message().find("/missing") != std::string::npos);
  REQUIRE_FAILS(ErrorCode::kUsage, ScanTree(scratch / "tree/a", {}));
  REQUIRE_FAILS(ErrorCode::kNotFound, ScanTree("", {}));
  stdfs::create_symlink(scratch / "tree", scratch / "to-tree");
  CHECK(ToHex(DigestOf(scratch / "to-tree")) == ToHex(DigestOf(scratch / "tree")));
}

TEST_CASE("what mkfs.erofs would drop or alter is refused by name") {
  const Scratch scratch;
  const std::string tree = scratch / "tree";
  test::MakeSmallTree(tree);
  const auto refuses = [&](const std::string& path) {
    const auto listing = ScanTree(tree, {});
    REQUIRE_FAILS(ErrorCode::kUsage, listing);
    CHECK(listing.error().message().find(tree + "/" + path + ":") != std::string::npos);
  };
  SECTION("a file called lost+found") {
    WriteFile(tree + "/lost+found", "");
    refuses("lost+found");
  }
  SECTION("a name that begins so") {
    WriteFile(tree + "/folder/lost+found.txt", "");
    refuses("folder/lost+found.txt");
  }
  SECTION("a lost+found that holds something") {
    REQUIRE_OK(io::MakeFolders(tree + "/lost+found/#12345"));
    refuses("lost+found");
  }
  SECTION("the last seconds before 1970") {
    SetTime(tree + "/a", -1, 0);
    refuses("a");
    SetTime(tree + "/a", -2, 999999999);
    refuses("a");
    SetTime(tree + "/a", -3, 999999999);
    CHECK(ScanTree(tree, {}).has_value());
  }
  SECTION("a path of 4096 bytes") {
    std::string path;
    int folder = ::open(tree.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int level = 0; level < 20; ++level) {
      const std::string name(240, 'p');
      REQUIRE(::mkdirat(folder, name.c_str(), 0755) == 0);
      const int next = ::openat(folder, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
      ::close(folder);
      folder = next;
    }
    ::close(folder);
    const auto listing = ScanTree(tree, {});
    REQUIRE_FAILS(ErrorCode::kUsage, listing);
    CHECK(listing.error().message().find("mkfs.erofs takes 4095") != std::string::npos);
  }
}

TEST_CASE("a file system's own lost+found is no part of the tree") {
  const Scratch scratch;
  const std::string tree = scratch / "tree";
  test::MakeSmallTree(tree);
  SetTime(tree, 5, 5);
  const Digest before = DigestOf(tree);
  REQUIRE_OK(io::MakeFolders(tree + "/lost+found"));
  SetTime(tree, 5, 5);
  const auto listing = ScanTree(tree, {});
  REQUIRE_OK(listing);
  CHECK(listing->skipped_lost_found);
  CHECK(ToHex(listing->digest) == ToHex(before));
}

TEST_CASE("a file that changes under the scan is named") {
  const Scratch scratch;
  const std::string tree = scratch / "tree";
  test::MakeSmallTree(tree);
  WriteFile(tree + "/large", std::string(2 << 20, 'x'));
  bool changed = false;
  const uint64_t when = GENERATE(uint64_t{0}, uint64_t{1 << 20});
  const auto change = [&](const char*, uint64_t done, uint64_t) {
    if (changed || done < when) return;
    changed = true;
    REQUIRE(::truncate((tree + "/large").c_str(), (2 << 20) + 1) == 0);
  };
  const auto listing = ScanTree(tree, {false, change});
  REQUIRE_FAILS(ErrorCode::kBusy, listing);
  CHECK(listing.error().message().find(tree + "/large: changed") != std::string::npos);
}

}  // namespace
}  // namespace veneer::layer
