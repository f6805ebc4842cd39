// Layers that are signed and lie: the live mount answers with an error where the lie is, shows nobody else's
// bytes, and serves the rest.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <memory>
#include <set>

#include "fs/base/unique_fd.h"
#include "tests/mount/installed_store.h"
#include "tests/mount/lying_image.h"
#include "tests/mount/signers.h"
#include "tests/support/sealed_image.h"

namespace veneer::test {
namespace {

std::string LyingBase(const Workshop& shop) {
  format::Manifest manifest;
  manifest.name = "lies";
  manifest.created = "2026-01-01T00:00:00Z";
  manifest.os = format::OsInfo{"test", "1", {}};
  SealBytes(LyingImage(), shop / "lies.layer", manifest, SignersOf(shop));
  return shop / "lies.layer";
}

std::string LyingPatch(const Workshop& shop) {
  format::Manifest manifest;
  manifest.kind = format::LayerKind::kPatch;
  manifest.name = "lies (a)";
  manifest.created = "2026-01-01T00:00:00Z";
  manifest.component = "lies";
  manifest.sequence = 1;
  manifest.applies_to = format::AppliesTo{"test", {"1"}, {}};
  SealBytes(LyingImage(), shop / "lies.patch", manifest, SignersOf(shop));
  return shop / "lies.patch";
}

// 0 or the errno of each way to look at a path, and what could be read.
struct Look {
  int stat = 0;
  int read = 0;
  int list = 0;
  int link = 0;
  int xattrs = 0;
  std::string content;
};

int ErrorOf(bool good) {
  return good ? 0 : errno;
}

int List(const std::string& path, std::set<std::string>& names) {
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(path.c_str()), ::closedir);
  if (!stream) return errno;
  errno = 0;
  while (const dirent* entry = ::readdir(stream.get())) names.insert(entry->d_name);
  return errno;
}

Look LookAt(const std::string& path) {
  Look look;
  struct stat st {};
  look.stat = ErrorOf(::lstat(path.c_str(), &st) == 0);
  if (look.stat != 0) return look;
  char buffer[8192] = {};
  if (S_ISREG(st.st_mode)) {
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    const ssize_t size = ::read(fd.get(), buffer, sizeof buffer);
    look.read = ErrorOf(size >= 0);
    if (size > 0) look.content.assign(buffer, static_cast<size_t>(size));
  }
  std::set<std::string> names;
  if (S_ISDIR(st.st_mode)) look.list = List(path, names);
  if (S_ISLNK(st.st_mode)) look.link = ErrorOf(::readlink(path.c_str(), buffer, sizeof buffer) >= 0);
  look.xattrs = ErrorOf(::llistxattr(path.c_str(), buffer, sizeof buffer) >= 0);
  return look;
}

int Expected(FailsAt lie, FailsAt way) {
  return lie == way ? EIO : 0;
}

void CheckLie(const std::string& root, const Lie& lie) {
  INFO(lie.name);
  const Look look = LookAt(root + "/" + lie.name);
  CHECK(look.stat == Expected(lie.fails_at, FailsAt::kStat));
  CHECK(look.read == Expected(lie.fails_at, FailsAt::kRead));
  CHECK(look.link == Expected(lie.fails_at, FailsAt::kReadLink));
  CHECK(look.xattrs == Expected(lie.fails_at, FailsAt::kXattrs));
  if (lie.fails_at != FailsAt::kChild) CHECK(look.list == Expected(lie.fails_at, FailsAt::kList));
  if (!look.content.empty()) CHECK(look.content == kHonestContent);
  if (lie.child.empty()) return;
  struct stat st {};
  const int error = ErrorOf(::lstat((root + "/" + lie.name + "/" + lie.child).c_str(), &st) == 0);
  CHECK((error == EIO || error == ELOOP));
}

void CheckHonest(const std::string& root) {
  for (const std::string& name : HonestFiles()) {
    INFO(name);
    const Look look = LookAt(root + "/" + name);
    CHECK(look.stat == 0);
    CHECK(look.content == kHonestContent);
    CHECK(look.xattrs == 0);
  }
}

TEST_CASE("a base that lies is an error where it lies, and the rest of it is served") {
  const Workshop shop;
  const InstalledStore store(shop, shop / "live", {LyingBase(shop)});
  for (int round = 0; round < 2; ++round) {  // cold, and with what the listing left in the caches
    for (const Lie& lie : Lies()) CheckLie(store.mount(), lie);
    CheckHonest(store.mount());
    std::set<std::string> names;
    CHECK(List(store.mount(), names) == 0);
    CHECK(names.size() == 2 + Lies().size() + HonestFiles().size());
  }
  CHECK(store.Run({"status"}).at("mounts").size() == 1);
}

TEST_CASE("a patch that lies is refused when it is to be activated, and the mount shows what it showed") {
  const Workshop shop;
  std::filesystem::create_directories(shop / "tree");
  shop.Write("tree/honest", "below");
  REQUIRE(Veneer(shop.SealWords(shop / "base.layer")).status == 0);
  const InstalledStore store(shop, shop / "live", {shop / "base.layer", LyingPatch(shop)});
  RequireErrorLine(Veneer({"--store", store.store(), "activate"}), 4, "activate", {"lies (a): inode"});
  CHECK(store.Current().size() == 1);
  CHECK(shop.Read(store.mount() + "/honest") == "below");
  struct stat st {};
  CHECK(::lstat((store.mount() + "/size-beyond").c_str(), &st) != 0);
  CHECK(errno == ENOENT);
}

}  // namespace
}  // namespace veneer::test
