#include "tests/support/tree_spec.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "fs/base/unique_fd.h"
#include "tests/support/catch.h"
#include "tests/support/pattern.h"

namespace veneer::test {
namespace {

void Check(bool good, const std::string& what) {
  if (!good) FAIL(what << ": " << std::strerror(errno));
}

void WriteFile(const TreeItem& item, const std::string& place) {
  const UniqueFd fd(::open(place.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  Check(static_cast<bool>(fd), place);
  for (const FileRun& run : item.runs) {
    const Bytes bytes = Pattern(run.size, run.seed);
    Check(::pwrite(fd.get(), bytes.data(), bytes.size(), static_cast<off_t>(run.offset)) ==
              static_cast<ssize_t>(bytes.size()),
          place);
  }
  Check(::ftruncate(fd.get(), static_cast<off_t>(item.size)) == 0, place);
}

// A socket's path must be short: it is made as a name below a descriptor of its folder, and takes the long
// name then.
void MakeSocket(const std::string& place) {
  const std::string parent = ParentPath(place);
  const UniqueFd folder(::open(parent.c_str(), O_PATH | O_CLOEXEC));
  const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  Check(folder && fd, place);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = "/proc/self/fd/" + std::to_string(folder.get()) + "/%socket%";
  std::memcpy(address.sun_path, name.c_str(), name.size() + 1);
  Check(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0, place);
  Check(::rename((parent + "/%socket%").c_str(), place.c_str()) == 0, place);
}

void Make(const TreeItem& item, const std::string& place) {
  switch (item.kind) {
    case Kind::kFolder:
      return Check(::mkdir(place.c_str(), 0700) == 0, place);
    case Kind::kFile:
      return WriteFile(item, place);
    case Kind::kSymlink:
      return Check(::symlink(item.target.c_str(), place.c_str()) == 0, place);
    case Kind::kSocket:
      return MakeSocket(place);
    default:
      Check(::mknod(place.c_str(), ModeOf(item) & S_IFMT, makedev(item.major, item.minor)) == 0, place);
  }
}

// The owner first: a change of it takes setuid bits and capabilities away. The time last.
void SetMetadata(const TreeItem& item, const std::string& place) {
  Check(::lchown(place.c_str(), item.uid, item.gid) == 0, place);
  if (item.kind != Kind::kSymlink) Check(::chmod(place.c_str(), item.mode) == 0, place);
  for (const auto& [name, value] : item.xattrs) {
    Check(::lsetxattr(place.c_str(), name.c_str(), value.data(), value.size(), 0) == 0, place + " " + name);
  }
  if (item.opaque) Check(::lsetxattr(place.c_str(), "trusted.overlay.opaque", "y", 1, 0) == 0, place);
  const timespec time{.tv_sec = item.mtime, .tv_nsec = static_cast<long>(item.mtime_nsec)};
  const timespec times[2] = {time, time};
  Check(::utimensat(AT_FDCWD, place.c_str(), times, AT_SYMLINK_NOFOLLOW) == 0, place);
}

}  // namespace

std::string ParentPath(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

uint32_t ModeOf(const TreeItem& item) {
  switch (item.kind) {
    case Kind::kFolder:
      return S_IFDIR | item.mode;
    case Kind::kFile:
      return S_IFREG | item.mode;
    case Kind::kSymlink:
      return S_IFLNK | 0777;
    case Kind::kFifo:
      return S_IFIFO | item.mode;
    case Kind::kSocket:
      return S_IFSOCK | item.mode;
    case Kind::kBlockDevice:
      return S_IFBLK | item.mode;
    case Kind::kCharDevice:
    case Kind::kWhiteout:
      break;
  }
  return S_IFCHR | item.mode;
}

std::string ContentOf(const TreeItem& item) {
  std::string content(item.size, '\0');
  for (const FileRun& run : item.runs) {
    const Bytes bytes = Pattern(run.size, run.seed);
    std::copy(bytes.begin(), bytes.end(), content.begin() + static_cast<ptrdiff_t>(run.offset));
  }
  return content;
}

void WriteTree(const TreeSpec& tree, const std::string& folder) {
  const auto place_of = [&](const std::string& path) { return path.empty() ? folder : folder + '/' + path; };
  std::map<uint64_t, std::string> first;  // path of each inode with several
  for (const auto& [path, item] : tree) {
    if (path.empty()) continue;
    const auto [found, is_new] = first.emplace(item.link, path);
    if (item.link != 0 && !is_new) {
      Check(::link(place_of(found->second).c_str(), place_of(path).c_str()) == 0, path);
    } else {
      Make(item, place_of(path));
    }
  }
  // A folder's time changes with what is put into it, so the deepest come first.
  for (auto item = tree.rbegin(); item != tree.rend(); ++item)
    SetMetadata(item->second, place_of(item->first));
}

}  // namespace veneer::test
