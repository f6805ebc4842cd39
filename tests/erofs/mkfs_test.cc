// Reads what mkfs.erofs writes, and compares it with what the kernel says of the source tree. Needs root, for
// device nodes and trusted xattrs.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <filesystem>
#include <random>
#include <set>

#include "fs/erofs/dir_cursor.h"
#include "fs/erofs/meta_view.h"
#include "fs/erofs/xattr_entry.h"
#include "fs/io/file_ops.h"
#include "tests/erofs/counting_source.h"
#include "tests/erofs/mkfs_image.h"
#include "tests/support/catch.h"

namespace veneer::erofs {
namespace {

io::TemporaryFolder NewFolder() {
  auto folder = io::TemporaryFolder::Create(std::filesystem::temp_directory_path());
  REQUIRE_OK(folder);
  return std::move(*folder);
}

void WriteFile(const std::string& path, std::string_view content) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  REQUIRE(fd.get() >= 0);
  REQUIRE_OK(io::WriteAll(fd.get(), AsBytes(content), path));
}

void SetXattr(const std::string& path, const char* name, std::string_view value) {
  INFO(path << " " << name);
  REQUIRE(::lsetxattr(path.c_str(), name, value.data(), value.size(), 0) == 0);
}

std::string Noise(size_t size) {
  static std::minstd_rand random(1);
  std::string noise(size, '\0');
  for (char& c : noise) c = static_cast<char>(random());
  return noise;
}

// A POSIX ACL as the kernel takes it: owner, a named user, group, mask, others.
std::string Acl() {
  const std::pair<uint16_t, uint32_t> entries[] = {{1, ~0U}, {2, 1234}, {4, ~0U}, {16, ~0U}, {32, ~0U}};
  std::string acl("\2\0\0\0", 4);
  for (const auto& [tag, id] : entries) {
    acl += {static_cast<char>(tag), 0, 5, 0};
    for (int shift = 0; shift < 32; shift += 8) acl += static_cast<char>(id >> shift & 0xFF);
  }
  return acl;
}

void MakeContent(const std::string& root) {
  for (const auto size : std::initializer_list<size_t>{0, 1, 100, 3000, 4095, 4096, 4097, 8192, 10000,
                                                       1 << 20, (1 << 20) + 7}) {
    WriteFile(root + "/size" + std::to_string(size), Noise(size));
  }
  WriteFile(root + "/sparse", Noise(5000));
  REQUIRE(::truncate((root + "/sparse").c_str(), 300000) == 0);
  WriteFile(root + "/twice", std::string(3 * 65536, 'x'));  // chunks that are equal
  for (const auto size : std::initializer_list<size_t>{1, 60, 1000, 4000, 4094, 4095}) {
    REQUIRE(::symlink(std::string(size, 'l').c_str(), (root + "/link" + std::to_string(size)).c_str()) == 0);
  }
}

void MakeSpecials(const std::string& root) {
  REQUIRE(::mknod((root + "/null").c_str(), S_IFCHR | 0666, makedev(1, 3)) == 0);
  REQUIRE(::mknod((root + "/block").c_str(), S_IFBLK | 0600, makedev(259, 70000)) == 0);
  REQUIRE(::mknod((root + "/whiteout").c_str(), S_IFCHR, makedev(0, 0)) == 0);
  REQUIRE(::mknod((root + "/fifo").c_str(), S_IFIFO | 0644, 0) == 0);
  REQUIRE(::mknod((root + "/socket").c_str(), S_IFSOCK | 0755, 0) == 0);
  for (int i = 0; i < 5; ++i) {
    REQUIRE(::link((root + "/size100").c_str(), (root + "/hard" + std::to_string(i)).c_str()) == 0);
  }
  WriteFile(root + "/setuid", "#!");
  REQUIRE(::lchown((root + "/setuid").c_str(), 100000, 4000000000) == 0);
  REQUIRE(::chmod((root + "/setuid").c_str(), 07755) == 0);
  const timespec times[2] = {{0, UTIME_OMIT}, {123456789, 987654321}};
  REQUIRE(::utimensat(AT_FDCWD, (root + "/link60").c_str(), times, AT_SYMLINK_NOFOLLOW) == 0);
  REQUIRE(::utimensat(AT_FDCWD, (root + "/null").c_str(), times, 0) == 0);
}

void MakeNames(const std::string& root) {
  const std::string folder = root + "/names";
  REQUIRE(::mkdir(folder.c_str(), 01777) == 0);
  for (const char* name : {"\xFF\xFE not UTF-8 \x80", "\n", " ", "-", "!", "\x01", "..x", ".a", "%s{}"}) {
    WriteFile(folder + "/" + name, name);
  }
  // Several blocks of long names. mkfs.erofs 1.5 fails at 255 bytes, see folder_test.cc for those.
  for (int i = 0; i < 40; ++i) {
    std::string name(254, static_cast<char>('A' + i));
    name.back() = '\xC3';
    WriteFile(folder + "/" + name, "");
  }
  REQUIRE(::mkdir((root + "/empty").c_str(), 0700) == 0);
  REQUIRE(::mkdir((root + "/empty/deep").c_str(), 0711) == 0);
}

void MakeXattrs(const std::string& root) {
  std::string capability(20, '\0');
  capability[0] = 1;
  capability[3] = 2;  // revision 2, effective
  capability[5] = 4;
  WriteFile(root + "/capable", "x");
  SetXattr(root + "/capable", "security.capability", capability);
  SetXattr(root + "/capable", "system.posix_acl_access", Acl());
  SetXattr(root + "/empty", "system.posix_acl_default", Acl());
  SetXattr(root + "/empty", "trusted.overlay.opaque", "y");
  SetXattr(root + "/link60", "trusted.on.symlink", "1");
  SetXattr(root + "/null", "trusted.on.device", "2");
  // More than fits a block together with an extended inode.
  WriteFile(root + "/xattrs", "x");
  REQUIRE(::lchown((root + "/xattrs").c_str(), 100000, 0) == 0);
  SetXattr(root + "/xattrs", "user.big", Noise(4030));
  for (int i = 0; i < 20; ++i) {  // the one that all have is shared
    const std::string path = root + "/xattrs" + std::to_string(i);
    WriteFile(path, Noise(static_cast<size_t>(i) * 50));
    SetXattr(path, "user.big", Noise(1900));
    SetXattr(path, "user.shared", "the same everywhere");
    SetXattr(path, "user.empty", "");
    SetXattr(path, ("user." + std::string(200, static_cast<char>('a' + i))).c_str(), Noise(3));
  }
}

void MakeTree(const std::string& root) {
  REQUIRE(::geteuid() == 0);
  REQUIRE(::mkdir(root.c_str(), 0755) == 0);
  MakeContent(root);
  MakeSpecials(root);
  MakeNames(root);
  MakeXattrs(root);
}

// What of the format the images of a tree use, so that the test cannot pass by looking at less.
struct Seen {
  std::set<DataLayout> layouts;
  std::set<uint32_t> header_sizes;
  bool xattrs_cross_blocks = false;
  bool shared_xattrs = false;
};

void Survey(const Image& image, Nid nid, Seen& seen) {
  const auto inode = image.ReadInode(nid);
  REQUIRE_OK(inode);
  if (inode->HasData() && inode->size != 0) seen.layouts.insert(inode->layout);
  seen.header_sizes.insert(inode->header_size);
  seen.xattrs_cross_blocks |= inode->offset / kBlockSize != (inode->BodyOffset() - 1) / kBlockSize;
  if (inode->xattr_size != 0) {
    const auto area = MetaView::Read(image.source(), inode->offset + inode->header_size, inode->xattr_size);
    REQUIRE_OK(area);
    seen.shared_xattrs |= !DecodeXattrArea(area->bytes())->shared_ids.empty();
  }
  if (!inode->IsFolder()) return;
  auto cursor = DirCursor::Open(image, *inode);
  while (cursor->entry() != nullptr) {
    if (cursor->entry()->name != "." && cursor->entry()->name != "..")
      Survey(image, cursor->entry()->nid, seen);
    REQUIRE_OK(cursor->Next());
  }
}

TEST_CASE("every kind of file reads as the kernel shows it in the source tree") {
  const io::TemporaryFolder folder = NewFolder();
  const std::string tree = folder.path() + "/tree";
  MakeTree(tree);
  struct Way {
    std::vector<std::string> options;
    bool any_mtime = false;
  };
  const Way ways[] = {{{}},
                      {{"-x0"}},  // shares all xattrs that it can
                      {{"--ignore-mtime"}, true},
                      {{"--chunksize=4096"}},
                      {{"--chunksize=65536", "--ignore-mtime"}, true},
                      {{"-Enoinline_data"}}};
  Seen seen;
  for (const Way& way : ways) {
    INFO((way.options.empty() ? "default" : way.options[0]));
    const auto source = MakeImage(tree, folder.path() + "/image", way.options);
    REQUIRE_OK(source);
    const auto image = Image::Open(*source);
    REQUIRE_OK(image);
    size_t files = 0;
    const auto differences = Differences(*image, tree, way.any_mtime, files);
    for (const std::string& difference : differences) UNSCOPED_INFO(difference);
    CHECK(differences.empty());
    CHECK(files > 100);
    Survey(*image, image->root(), seen);
  }
  CHECK(seen.layouts.size() == 3);
  CHECK(seen.header_sizes.size() == 2);
  CHECK(seen.xattrs_cross_blocks);
  CHECK(seen.shared_xattrs);
}

TEST_CASE("a comparison with another tree finds the differences") {
  const io::TemporaryFolder folder = NewFolder();
  const std::string tree = folder.path() + "/tree";
  REQUIRE(::mkdir(tree.c_str(), 0755) == 0);
  WriteFile(tree + "/a", "one");
  WriteFile(tree + "/b", "two");
  const auto source = MakeImage(tree, folder.path() + "/image", {});
  REQUIRE_OK(source);
  const auto image = Image::Open(*source);
  size_t files = 0;
  CHECK(Differences(*image, tree, false, files).empty());
  WriteFile(tree + "/a", "oNe");
  SetXattr(tree + "/b", "user.x", "y");
  CHECK(Differences(*image, tree, true, files).size() == 2);
  WriteFile(tree + "/c", "");
  CHECK(Differences(*image, tree, true, files).size() == 3);
  REQUIRE(::unlink((tree + "/c").c_str()) == 0);
  REQUIRE(::chmod((tree + "/b").c_str(), 0600) == 0);
  const size_t count = Differences(*image, tree, true, files).size();
  CHECK(count == 3);
  const timespec times[2] = {{0, UTIME_OMIT}, {5, 5}};
  REQUIRE(::utimensat(AT_FDCWD, (tree + "/b").c_str(), times, 0) == 0);
  CHECK(Differences(*image, tree, false, files).size() >= count + 2);
}

TEST_CASE("a compressed image is refused by name") {
  const io::TemporaryFolder folder = NewFolder();
  WriteFile(folder.path() + "/zeros", std::string(1 << 20, '\0'));
  const auto source = MakeImage(folder.path(), folder.path() + ".image", {"-zlz4"});
  ::unlink((folder.path() + ".image").c_str());
  REQUIRE_OK(source);
  const auto image = Image::Open(*source);
  REQUIRE_FAILS(ErrorCode::kUnsupported, image);
  CHECK(image.error().message().find("compression") != std::string::npos);
}

TEST_CASE("a folder of 100,000 entries") {
  const io::TemporaryFolder folder = NewFolder();
  const std::string tree = folder.path() + "/tree";
  REQUIRE(::mkdir(tree.c_str(), 0755) == 0);
  REQUIRE(::mkdir((tree + "/f").c_str(), 0755) == 0);
  std::set<std::string> names = {".", ".."};
  for (uint32_t i = 0; i < 100'000; ++i) {
    const std::string first = fmt::format("{}/{}", tree, i % 4);  // a file may have 65,000 names only
    if (i < 4) WriteFile(first, "");
    const std::string name = fmt::format("{:x}{:.{}}", i * 2654435761U, "-a longer name", i % 14);
    if (::link(first.c_str(), (tree + "/f/" + name).c_str()) != 0) FAIL(name << " cannot be made");
    names.insert(name);
  }
  REQUIRE(names.size() == 100'002);
  const auto base = MakeImage(tree, folder.path() + "/image", {"-x-1"});
  REQUIRE_OK(base);
  const auto source = std::make_shared<CountingSource>(*base);
  const auto image = Image::Open(source);
  REQUIRE_OK(image);
  const auto found_folder = image->Lookup(*image->ReadInode(image->root()), "f");
  REQUIRE_OK(found_folder);
  const auto entries = image->ReadInode((*found_folder)->nid);
  const uint64_t blocks = BlocksFor(entries->size);
  CHECK(blocks > 500);

  source->blocks.clear();
  auto cursor = DirCursor::Open(*image, *entries);
  REQUIRE_OK(cursor);
  for (const std::string& name : names) {
    if (cursor->entry() == nullptr || cursor->entry()->name != name)
      FAIL(name << " is not listed in its place");
    if (!cursor->Next()) FAIL("behind " << name);
  }
  CHECK(cursor->entry() == nullptr);
  CHECK(source->blocks.size() == blocks);

  size_t most = 0;
  for (const std::string& name : names) {
    source->blocks.clear();
    const auto found = image->Lookup(*entries, name);
    if (!found || !*found) FAIL(name << " is not found");
    most = std::max(most, source->blocks.size());
    if (name.back() == '-' && image->Lookup(*entries, name + "\x01").value()) FAIL(name << "\\x01 is found");
  }
  CHECK(most <= 11);  // log2 of the blocks

  size_t index = 0;
  for (auto name = names.begin(); name != std::prev(names.end()); ++name) {
    if (index++ % 997 != 0) continue;
    REQUIRE_OK(cursor->SeekName(*name));
    REQUIRE(cursor->entry() != nullptr);
    CHECK(cursor->entry()->name == *name);
    REQUIRE_OK(cursor->SeekBehind(*name));
    REQUIRE(cursor->entry() != nullptr);
    CHECK(cursor->entry()->name == *std::next(name));
  }
}

}  // namespace
}  // namespace veneer::erofs
