#include "tests/support/tree_compare.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <map>
#include <memory>

#include "fs/base/unique_fd.h"
#include "tests/support/listing.h"

namespace veneer::test {
namespace {

constexpr off_t kBlock = 4096;
constexpr size_t kReadSize = 1 << 20;

std::string Printable(const std::string& text) {
  std::string shown;
  for (const char c : text) {
    shown +=
        c >= ' ' && c < 127 ? std::string(1, c) : fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  }
  return shown;
}

// All xattrs of `path` with their values; a problem counts as one of them.
std::map<std::string, std::string> XattrsOf(const std::string& path) {
  std::map<std::string, std::string> xattrs;
  std::string names(XATTR_LIST_MAX, '\0');
  const ssize_t size = ::llistxattr(path.c_str(), names.data(), names.size());
  if (size < 0) {
    if (errno != EOPNOTSUPP) xattrs["(list)"] = std::strerror(errno);
    return xattrs;
  }
  std::string value(XATTR_SIZE_MAX, '\0');
  for (const char* name = names.data(); name < names.data() + size; name += std::strlen(name) + 1) {
    const ssize_t got = ::lgetxattr(path.c_str(), name, value.data(), value.size());
    xattrs[name] =
        got < 0 ? std::string("(") + std::strerror(errno) + ")" : value.substr(0, static_cast<size_t>(got));
  }
  return xattrs;
}

uint64_t AttributesOf(const std::string& path) {
  struct statx st {};
  if (::statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &st) != 0) return ~uint64_t{0};
  return st.stx_attributes & ~uint64_t{STATX_ATTR_IMMUTABLE};
}

// What asking for overlayfs's own xattr gives.
std::string MarkOf(const std::string& path) {
  char value[16] = {};
  const ssize_t size = ::lgetxattr(path.c_str(), "trusted.overlay.opaque", value, sizeof value);
  return size >= 0 ? std::string(value, static_cast<size_t>(size)) : std::strerror(errno);
}

std::string TargetOf(const std::string& path) {
  std::string target(PATH_MAX, '\0');
  const ssize_t size = ::readlink(path.c_str(), target.data(), target.size());
  return size < 0 ? std::strerror(errno) : target.substr(0, static_cast<size_t>(size));
}

// Blocks of a file that hold data, as [begin, end) pairs.
std::vector<std::pair<off_t, off_t>> DataBlocks(int fd) {
  std::vector<std::pair<off_t, off_t>> blocks;
  off_t begin = 0;
  while ((begin = ::lseek(fd, begin, SEEK_DATA)) >= 0) {
    const off_t end = ::lseek(fd, begin, SEEK_HOLE);
    if (end < 0) break;
    const std::pair<off_t, off_t> run(begin / kBlock, (end + kBlock - 1) / kBlock);
    if (!blocks.empty() && blocks.back().second >= run.first) {
      blocks.back().second = run.second;
    } else {
      blocks.push_back(run);
    }
    begin = end;
  }
  return blocks;
}

class Comparer {
 public:
  Comparer(const std::string& left, const std::string& right, const CompareOptions& options)
      : left_(left), right_(right), options_(options) {}

  std::vector<std::string> Compare() {
    CompareEntry("");
    return std::move(differences_);
  }

 private:
  bool Full() const { return differences_.size() >= options_.max_differences; }

  void Report(const std::string& path, const std::string& what) {
    if (!Full()) differences_.push_back("/" + Printable(path) + ": " + Printable(what));
  }

  template <typename T>
  void CompareValue(const std::string& path, const char* what, T left, T right) {
    if (left != right) Report(path, fmt::format("{} {} against {}", what, left, right));
  }

  void CompareEntry(const std::string& path);
  void CompareWholeStat(const std::string& path, const struct stat& left, const struct stat& right);
  void CompareFolders(const std::string& path);
  void CompareListed(const std::string& path, const Listed& left, const Listed& right);
  void CompareXattrs(const std::string& path);
  void CompareContents(const std::string& path);
  void CompareLinks(const std::string& path, const struct stat& left, const struct stat& right);

  std::string left_;
  std::string right_;
  CompareOptions options_;
  std::vector<std::string> differences_;
  // The first path of each inode with several.
  std::map<std::pair<dev_t, ino_t>, std::string> left_links_;
  std::map<std::pair<dev_t, ino_t>, std::string> right_links_;
};

void Comparer::CompareEntry(const std::string& path) {
  struct stat left {};
  struct stat right {};
  if (::lstat((left_ + '/' + path).c_str(), &left) != 0)
    return Report(path, std::string("left: ") + std::strerror(errno));
  if (::lstat((right_ + '/' + path).c_str(), &right) != 0) {
    return Report(path, std::string("right: ") + std::strerror(errno));
  }
  CompareValue(path, "mode", fmt::format("{:o}", left.st_mode), fmt::format("{:o}", right.st_mode));
  CompareValue(path, "uid", left.st_uid, right.st_uid);
  CompareValue(path, "gid", left.st_gid, right.st_gid);
  CompareValue(path, "mtime", fmt::format("{}.{:09}", left.st_mtim.tv_sec, left.st_mtim.tv_nsec),
               fmt::format("{}.{:09}", right.st_mtim.tv_sec, right.st_mtim.tv_nsec));
  CompareXattrs(path);
  if (options_.whole_stat) CompareWholeStat(path, left, right);
  if ((left.st_mode & S_IFMT) != (right.st_mode & S_IFMT)) return;
  if (S_ISDIR(left.st_mode)) {
    if (options_.folder_nlink) CompareValue(path, "nlink", left.st_nlink, right.st_nlink);
    return CompareFolders(path);
  }
  CompareValue(path, "nlink", left.st_nlink, right.st_nlink);
  CompareValue(path, "size", left.st_size, right.st_size);
  CompareLinks(path, left, right);
  if (S_ISCHR(left.st_mode) || S_ISBLK(left.st_mode)) CompareValue(path, "rdev", left.st_rdev, right.st_rdev);
  if (S_ISLNK(left.st_mode))
    CompareValue(path, "target", TargetOf(left_ + '/' + path), TargetOf(right_ + '/' + path));
  if (S_ISREG(left.st_mode)) CompareContents(path);
}

void Comparer::CompareWholeStat(const std::string& path, const struct stat& left, const struct stat& right) {
  CompareValue(path, "size", left.st_size, right.st_size);
  CompareValue(path, "blocks", left.st_blocks, right.st_blocks);
  CompareValue(path, "block size", left.st_blksize, right.st_blksize);
  const auto text = [](const timespec& time) { return fmt::format("{}.{:09}", time.tv_sec, time.tv_nsec); };
  CompareValue(path, "atime", text(left.st_atim), text(right.st_atim));
  CompareValue(path, "ctime", text(left.st_ctim), text(right.st_ctim));
  CompareValue(path, "attributes", AttributesOf(left_ + '/' + path), AttributesOf(right_ + '/' + path));
  CompareValue(path, "mark", MarkOf(left_ + '/' + path), MarkOf(right_ + '/' + path));
}

void Comparer::CompareListed(const std::string& path, const Listed& left, const Listed& right) {
  CompareValue(path, "listed type", left.type, right.type);
  struct stat st {};
  if (::lstat((right_ + '/' + path).c_str(), &st) != 0) return;  // told elsewhere
  CompareValue(path, "listed type and type", right.type, IFTODT(st.st_mode));
  CompareValue(path, "listed inode and inode", right.inode, st.st_ino);
}

void Comparer::CompareFolders(const std::string& path) {
  std::string left_problem;
  std::string right_problem;
  Listing left = NamesIn(left_ + '/' + path, left_problem);
  const Listing right = NamesIn(right_ + '/' + path, right_problem);
  if (options_.left_lists_whiteouts) LeaveOutWhiteouts(left_ + '/' + path, left);
  if (!left_problem.empty() || !right_problem.empty())
    Report(path, "listing: " + left_problem + "/" + right_problem);
  Listing all = left;
  all.insert(right.begin(), right.end());
  for (const auto& [name, listed] : all) {
    if (Full()) return;
    const std::string below = path.empty() ? name : path + '/' + name;
    if (!left.contains(name)) {
      Report(below, "only right");
    } else if (!right.contains(name)) {
      Report(below, "only left");
    } else {
      if (options_.whole_stat) CompareListed(below, left.at(name), right.at(name));
      CompareEntry(below);
    }
  }
}

void Comparer::CompareXattrs(const std::string& path) {
  const auto left = XattrsOf(left_ + '/' + path);
  const auto right = XattrsOf(right_ + '/' + path);
  for (const auto& [name, value] : left) {
    const auto other = right.find(name);
    if (other == right.end()) {
      Report(path, "xattr " + name + " only left");
    } else if (other->second != value) {
      Report(path, "xattr " + name + " " + value + " against " + other->second);
    }
  }
  for (const auto& [name, value] : right) {
    if (!left.contains(name)) Report(path, "xattr " + name + " only right");
  }
}

void Comparer::CompareContents(const std::string& path) {
  const UniqueFd left(::open((left_ + '/' + path).c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  const UniqueFd right(::open((right_ + '/' + path).c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!left || !right) return Report(path, std::string("open: ") + std::strerror(errno));
  std::string left_bytes(kReadSize, '\0');
  std::string right_bytes(kReadSize, '\0');
  for (off_t offset = 0;;) {
    const ssize_t a = ::pread(left.get(), left_bytes.data(), kReadSize, offset);
    const ssize_t b = ::pread(right.get(), right_bytes.data(), kReadSize, offset);
    if (a < 0 || b < 0) return Report(path, std::string("read: ") + std::strerror(errno));
    const auto at = std::mismatch(left_bytes.begin(), left_bytes.begin() + a, right_bytes.begin(),
                                  right_bytes.begin() + b);
    if (at.first != left_bytes.begin() + a || a != b) {
      return Report(path,
                    fmt::format("content differs at byte {}", offset + (at.first - left_bytes.begin())));
    }
    if (a == 0) break;
    offset += a;
  }
  if (options_.hole_layout && DataBlocks(left.get()) != DataBlocks(right.get()))
    Report(path, "holes are elsewhere");
}

void Comparer::CompareLinks(const std::string& path, const struct stat& left, const struct stat& right) {
  const std::string& left_first =
      left_links_.emplace(std::pair(left.st_dev, left.st_ino), path).first->second;
  const std::string& right_first =
      right_links_.emplace(std::pair(right.st_dev, right.st_ino), path).first->second;
  CompareValue(path, "hard link of", left_first, right_first);
}

}  // namespace

std::vector<std::string> CompareTrees(const std::string& left, const std::string& right,
                                      const CompareOptions& options) {
  return Comparer(left, right, options).Compare();
}

std::string DescribeDifferences(const std::string& left, const std::string& right,
                                const CompareOptions& options) {
  std::string text;
  for (const std::string& difference : CompareTrees(left, right, options)) text += difference + "\n";
  return text;
}

}  // namespace veneer::test
