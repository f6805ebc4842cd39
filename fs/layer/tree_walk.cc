#include "fs/layer/tree_walk.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <climits>
#include <memory>
#include <string_view>

#include "fs/erofs/overlay.h"
#include "fs/layer/tree_xattrs.h"

namespace veneer::layer {
namespace {

constexpr std::string_view kLostFound = "lost+found";

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};
using Folder = std::unique_ptr<DIR, CloseFolder>;

// A stream over the open folder `fd`; null with errno if that is not to be had.
Folder OpenStream(UniqueFd fd) {
  Folder folder(::fdopendir(fd.get()));
  if (folder) fd.release();
  return folder;
}

// The kernel's new_encode_dev, which EROFS stores.
uint32_t EncodeDevice(uint32_t major, uint32_t minor) {
  return (minor & 0xffU) | (major << 8) | ((minor & ~0xffU) << 12);
}

std::string_view LastName(const std::string& path) {
  return std::string_view(path).substr(path.rfind('/') + 1);
}

bool IsEmptyFolder(int parent, const char* name) {
  const Folder folder =
      OpenStream(UniqueFd(::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)));
  if (!folder) return false;
  while (const dirent* entry = ::readdir(folder.get())) {
    const std::string_view found(entry->d_name);
    if (found != "." && found != "..") return false;
  }
  return true;
}

class Walker {
 public:
  Walker(int root, const ScanOptions& options, TreeListing& listing)
      : root_(root), options_(options), listing_(listing) {}

  Status Run() {
    VENEER_TRY(AddEntry(root_, "", ""));
    while (!folders_.empty()) {
      const std::string path = std::move(folders_.back());
      folders_.pop_back();
      VENEER_TRY(ListFolder(path));
    }
    return {};
  }

 private:
  // Adds an entry for each name in the folder `path`.
  Status ListFolder(const std::string& path);

  // Adds the entry `name` (empty: itself) of the open folder `parent`, whose path in the tree is `path`.
  Status AddEntry(int parent, const char* name, std::string path);

  // Fills `entry` with what statx says.
  Status ReadAttributes(int parent, const char* name, TreeEntry& entry) const;

  // What does not fit into a sealed layer is refused here.
  Status CheckPath(const TreeEntry& entry) const;
  Status CheckOverlayMarks(const TreeEntry& entry) const;

  int root_;
  const ScanOptions& options_;
  TreeListing& listing_;
  std::vector<std::string> folders_;  // still to be listed
};

Status Walker::ListFolder(const std::string& path) {
  const std::string shown = path.empty() ? listing_.root : listing_.root + '/' + path;
  VENEER_ASSIGN(UniqueFd fd, OpenBeneath(root_, path.empty() ? "." : path, O_RDONLY | O_DIRECTORY, shown));
  const int parent = fd.get();
  const Folder folder = OpenStream(std::move(fd));
  if (!folder) return FailErrno(errno, shown);
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(folder.get());
    if (entry == nullptr) break;
    const std::string_view name(entry->d_name);
    if (name == "." || name == "..") continue;
    if (path.empty() && name == kLostFound && IsEmptyFolder(parent, entry->d_name)) {
      listing_.skipped_lost_found = true;
      continue;
    }
    VENEER_TRY(
        AddEntry(parent, entry->d_name, path.empty() ? std::string(name) : path + '/' + entry->d_name));
  }
  if (errno != 0) return FailErrno(errno, fmt::format("{}: listing", shown));
  return {};
}

Status Walker::AddEntry(int parent, const char* name, std::string path) {
  TreeEntry entry;
  entry.path = std::move(path);
  VENEER_TRY(CheckPath(entry));
  VENEER_TRY(ReadAttributes(parent, name, entry));
  const std::string shown = listing_.PathOf(entry);
  if (entry.IsSymlink()) {
    std::array<char, PATH_MAX> target{};
    const ssize_t size = ::readlinkat(parent, name, target.data(), target.size());
    if (size < 0) return FailErrno(errno, shown);
    entry.target.assign(target.data(), static_cast<size_t>(size));
    entry.size = entry.target.size();
  }
  VENEER_ASSIGN(entry.xattrs, ReadXattrs(shown));
  VENEER_TRY(CheckXattrsFit(shown, entry.xattrs));
  VENEER_TRY(CheckOverlayMarks(entry));
  if (entry.IsFolder()) folders_.push_back(entry.path);
  listing_.entries.push_back(std::move(entry));
  return {};
}

Status Walker::ReadAttributes(int parent, const char* name, TreeEntry& entry) const {
  struct statx st {};
  const int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | (*name == '\0' ? AT_EMPTY_PATH : 0);
  const std::string shown = listing_.PathOf(entry);
  if (::statx(parent, name, flags, STATX_BASIC_STATS, &st) != 0) return FailErrno(errno, shown);
  if (*name != '\0' && (st.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0) {
    return Fail(ErrorCode::kUsage, "{}: something is mounted there, which is no part of the tree", shown);
  }
  entry.mode = st.stx_mode;
  entry.uid = st.stx_uid;
  entry.gid = st.stx_gid;
  if (entry.IsRegular()) entry.size = st.stx_size;
  entry.mtime = st.stx_mtime.tv_sec;
  entry.mtime_nsec = st.stx_mtime.tv_nsec;
  if (entry.mtime == -1 || entry.mtime == -2) {
    return Fail(ErrorCode::kUsage,
                "{}: mkfs.erofs cannot keep a modification time in the last two seconds of 1969", shown);
  }
  if (S_ISCHR(st.stx_mode) || S_ISBLK(st.stx_mode)) {
    entry.rdev = EncodeDevice(st.stx_rdev_major, st.stx_rdev_minor);
  }
  entry.nlink = st.stx_nlink;
  entry.stamp = {uint64_t{st.stx_dev_major} << 32 | st.stx_dev_minor, st.stx_ino, st.stx_ctime.tv_sec,
                 st.stx_ctime.tv_nsec};
  return {};
}

Status Walker::CheckPath(const TreeEntry& entry) const {
  const std::string shown = listing_.PathOf(entry);
  if (shown.size() >= PATH_MAX) {
    return Fail(ErrorCode::kUsage, "{}: the path has {} bytes, and mkfs.erofs takes {}", shown, shown.size(),
                PATH_MAX - 1);
  }
  if (LastName(entry.path).starts_with(kLostFound)) {
    return Fail(ErrorCode::kUsage, "{}: mkfs.erofs leaves out what is called {}", shown, kLostFound);
  }
  return {};
}

Status Walker::CheckOverlayMarks(const TreeEntry& entry) const {
  if (entry.IsWhiteout() && !options_.allow_overlay_marks) {
    return Fail(ErrorCode::kUsage, "{}: an overlayfs whiteout (character device 0:0) has no place in a base",
                listing_.PathOf(entry));
  }
  for (const erofs::Xattr& xattr : entry.xattrs) {
    if (!erofs::IsPrivateXattr(xattr.name)) continue;
    const bool opaque = entry.IsFolder() && xattr.name == erofs::kOpaqueXattr && xattr.value == "y";
    if (opaque && options_.allow_overlay_marks) continue;
    return Fail(ErrorCode::kUsage, "{}: the overlayfs mark {} has no place in a {}", listing_.PathOf(entry),
                xattr.name, options_.allow_overlay_marks ? "patch" : "base");
  }
  return {};
}

}  // namespace

Result<UniqueFd> OpenBeneath(int root, const std::string& path, int flags, const std::string& name) {
  open_how how{};
  how.flags = static_cast<unsigned>(flags | O_CLOEXEC | O_NOFOLLOW);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;
  UniqueFd fd(static_cast<int>(::syscall(SYS_openat2, root, path.c_str(), &how, sizeof how)));
  if (!fd) return FailErrno(errno, name);
  return fd;
}

Status WalkTree(int root, const ScanOptions& options, TreeListing& listing) {
  return Walker(root, options, listing).Run();
}

}  // namespace veneer::layer
