#include "fs/core/staging.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <set>
#include <unordered_map>

#include "fs/base/unique_fd.h"
#include "fs/erofs/overlay.h"
#include "fs/io/file_ops.h"

namespace veneer::core {
namespace {

using layer::TreeEntry;

tl::unexpected<Error> Failed(const std::string& path) {
  return FailErrno(errno, path);
}

// The permission bits go on with the rest of the metadata, at the end.
constexpr mode_t kWhileCopying = 0600;

class Stager {
 public:
  Stager(const layer::TreeListing& tree, const TreeDifference& difference, std::string target,
         const layer::Progress& progress)
      : tree_(tree),
        difference_(difference),
        target_(std::move(target)),
        progress_(progress, "copying", TotalBytes()) {}

  Result<PatchContents> Run() {
    for (const size_t i : difference_.carried) VENEER_TRY(Copy(i));
    for (const std::string& path : difference_.whiteouts) {
      const std::string place = target_ + "/" + path;
      if (::mknod(place.c_str(), S_IFCHR, makedev(0, 0)) != 0) return Failed(place);
      // Nobody sees a whiteout's time, but the root hash depends on it.
      constexpr timespec kNever[2] = {};
      if (::utimensat(AT_FDCWD, place.c_str(), kNever, AT_SYMLINK_NOFOLLOW) != 0) return Failed(place);
    }
    for (const std::string& path : difference_.opaque) {
      const std::string place = target_ + "/" + path;
      if (::lsetxattr(place.c_str(), erofs::kOpaqueXattr.data(), "y", 1, 0) != 0) return Failed(place);
    }
    // A folder's time changes with what is put into it, so folders come last, the deepest first.
    for (auto i = difference_.carried.rbegin(); i != difference_.carried.rend(); ++i) {
      const TreeEntry& entry = tree_.entries[*i];
      if (entry.first_link == *i || entry.IsFolder()) VENEER_TRY(SetMetadata(entry));
    }
    contents_.whiteouts = difference_.whiteouts.size();
    contents_.opaque = difference_.opaque.size();
    return contents_;
  }

 private:
  uint64_t TotalBytes() const {
    uint64_t total = 0;
    for (const size_t i : difference_.carried) {
      const TreeEntry& entry = tree_.entries[i];
      if (entry.IsRegular() && entry.first_link == i) total += entry.size;
    }
    return total;
  }

  std::string PlaceOf(const TreeEntry& entry) const {
    return entry.path.empty() ? target_ : target_ + "/" + entry.path;
  }

  Status Copy(size_t i) {
    const TreeEntry& entry = tree_.entries[i];
    const std::string place = PlaceOf(entry);
    if (entry.IsFolder()) {
      ++contents_.folders;
      if (!entry.path.empty() && ::mkdir(place.c_str(), 0700) != 0) return Failed(place);
      return {};
    }
    ++contents_.files;
    if (entry.first_link != i) {
      const std::string first = PlaceOf(tree_.entries[entry.first_link]);
      return ::link(first.c_str(), place.c_str()) == 0 ? Status() : Failed(place);
    }
    if (entry.IsRegular()) return CopyFile(entry, place);
    if (entry.IsSymlink())
      return ::symlink(entry.target.c_str(), place.c_str()) == 0 ? Status() : Failed(place);
    // An image's device number has the same bits as the kernel's dev_t of 32 bits, which glibc's holds too.
    const mode_t type = entry.mode & S_IFMT;
    return ::mknod(place.c_str(), type | kWhileCopying, entry.rdev) == 0 ? Status() : Failed(place);
  }

  Status CopyFile(const TreeEntry& entry, const std::string& place) {
    const std::string source = tree_.PathOf(entry);
    const UniqueFd from(::open(source.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
    if (!from) return Failed(source);
    struct stat st {};
    if (::fstat(from.get(), &st) != 0) return Failed(source);
    if (st.st_ino != entry.stamp.inode || static_cast<uint64_t>(st.st_size) != entry.size ||
        st.st_ctim.tv_sec != entry.stamp.ctime || st.st_ctim.tv_nsec != entry.stamp.ctime_nsec) {
      return Fail(ErrorCode::kBusy, "{}: changed while it was read", source);
    }
    const UniqueFd to(::open(place.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kWhileCopying));
    if (!to) return Failed(place);
    VENEER_TRY(CopyData(from.get(), to.get(), entry.size, source));
    contents_.bytes += entry.size;
    progress_.Add(entry.size);
    return {};
  }

  // Copies runs of data and leaves holes as holes.
  static Status CopyData(int from, int to, uint64_t size, const std::string& source) {
    off_t at = 0;
    while (static_cast<uint64_t>(at) < size) {
      off_t data = ::lseek(from, at, SEEK_DATA);
      if (data < 0 && errno == ENXIO) break;
      if (data < 0) data = at;
      off_t end = ::lseek(from, data, SEEK_HOLE);
      if (end < 0) end = static_cast<off_t>(size);
      if (::lseek(to, data, SEEK_SET) < 0) return Failed(source);
      VENEER_TRY(
          io::CopyRange(from, static_cast<uint64_t>(data), static_cast<uint64_t>(end - data), to, source));
      at = end;
    }
    if (::ftruncate(to, static_cast<off_t>(size)) != 0) return Failed(source);
    return {};
  }

  Status SetMetadata(const TreeEntry& entry) const {
    const std::string place = PlaceOf(entry);
    // The owner first: a change of it takes setuid bits and capabilities away.
    if (::lchown(place.c_str(), entry.uid, entry.gid) != 0) return Failed(place);
    if (!entry.IsSymlink() && ::chmod(place.c_str(), entry.mode & 07777) != 0) return Failed(place);
    for (const erofs::Xattr& xattr : entry.xattrs) {
      if (::lsetxattr(place.c_str(), xattr.name.c_str(), xattr.value.data(), xattr.value.size(), 0) != 0) {
        return Failed(fmt::format("{}: xattr {}", place, xattr.name));
      }
    }
    const timespec time{.tv_sec = entry.mtime, .tv_nsec = static_cast<long>(entry.mtime_nsec)};
    const timespec times[2] = {time, time};
    if (::utimensat(AT_FDCWD, place.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0) return Failed(place);
    return {};
  }

  const layer::TreeListing& tree_;
  const TreeDifference& difference_;
  std::string target_;
  layer::StageProgress progress_;
  PatchContents contents_;
};

}  // namespace

Result<PatchContents> Stage(const layer::TreeListing& tree, const TreeDifference& difference,
                            const std::string& target, const layer::Progress& progress) {
  return Stager(tree, difference, target, progress).Run();
}

}  // namespace veneer::core
