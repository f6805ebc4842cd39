#include "tests/erofs/mkfs_image.h"

#include <dirent.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <set>

#include "fs/erofs/dir_cursor.h"
#include "fs/io/file_ops.h"
#include "fs/io/process.h"

namespace veneer::erofs {
namespace {

std::set<std::string> NamesIn(const std::string& path) {
  std::set<std::string> names;
  DIR* folder = ::opendir(path.c_str());
  if (folder == nullptr) return names;
  while (const dirent* entry = ::readdir(folder)) names.insert(entry->d_name);
  ::closedir(folder);
  return names;
}

std::map<std::string, std::string> XattrsOf(const std::string& path) {
  std::map<std::string, std::string> xattrs;
  std::string list(65536, '\0');
  const ssize_t size = ::llistxattr(path.c_str(), list.data(), list.size());
  for (size_t at = 0; size > 0 && at < static_cast<size_t>(size);) {
    const std::string name = list.c_str() + at;
    std::string value(65536, '\0');
    const ssize_t length = ::lgetxattr(path.c_str(), name.c_str(), value.data(), value.size());
    value.resize(length < 0 ? 0 : static_cast<size_t>(length));
    xattrs[name] = value;
    at += name.size() + 1;
  }
  return xattrs;
}

class Comparison {
 public:
  Comparison(const Image& image, bool any_mtime) : image_(image), any_mtime_(any_mtime) {}

  void Compare(std::string path, const Inode& inode) {
    ++files;
    path_ = path;
    struct stat st {};
    if (::lstat(path.c_str(), &st) != 0) return Differ("lstat", 0, errno);
    CompareAttributes(inode, st);
    CompareXattrs(inode);
    if (inode.IsRegular()) CompareContent(inode);
    if (inode.IsSymlink()) CompareTarget(inode);
    if (inode.IsFolder()) CompareFolder(path, inode);
  }

  std::vector<std::string> differences;
  size_t files = 0;

 private:
  template <typename A, typename B>
  void Differ(const char* what, const A& expected, const B& got) {
    differences.push_back(fmt::format("{}: {}: {} expected, got {}", path_, what, expected, got));
  }
  template <typename A, typename B>
  void Same(const char* what, const A& expected, const B& got) {
    if (std::cmp_not_equal(expected, got)) Differ(what, expected, got);
  }
  void Failed(const char* what, const Error& error) { Differ(what, "success", error.message()); }

  void CompareAttributes(const Inode& inode, const struct stat& st) {
    Same("mode", st.st_mode, inode.mode);
    Same("uid", st.st_uid, inode.uid);
    Same("gid", st.st_gid, inode.gid);
    Same("nlink", st.st_nlink, inode.nlink);
    if (!S_ISDIR(st.st_mode)) Same("size", st.st_size, inode.size);
    if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)) {
      Same("major", major(st.st_rdev), inode.rdev >> 8 & 0xFFF);
      Same("minor", minor(st.st_rdev), (inode.rdev & 0xFF) | (inode.rdev >> 12 & 0xFFF00));
    }
    if (any_mtime_) return;
    Same("mtime", st.st_mtim.tv_sec, inode.mtime);
    Same("mtime_nsec", st.st_mtim.tv_nsec, inode.mtime_nsec);
  }

  void CompareXattrs(const Inode& inode) {
    const auto listed = image_.ListXattrs(inode);
    if (!listed) return Failed("xattrs", listed.error());
    std::map<std::string, std::string> got;
    for (const Xattr& xattr : *listed) {
      got[xattr.name] = xattr.value;
      const auto value = image_.GetXattr(inode, xattr.name);
      if (!value || *value != xattr.value) Differ("xattr", "the same alone", xattr.name);
    }
    if (got != XattrsOf(path_)) Differ("xattrs", XattrsOf(path_).size(), got.size());
  }

  void CompareContent(const Inode& inode) {
    Bytes got(inode.size);
    if (const Status status = image_.ReadData(inode, 0, got); !status)
      return Failed("content", status.error());
    const auto expected = io::ReadWholeFile(path_, inode.size);
    if (!expected || *expected != got) Differ("content", "the same", "another");
    // In pieces too, which begin and end anywhere.
    Bytes pieces(inode.size);
    for (size_t at = 0; at < pieces.size(); at += 3001) {
      const auto piece = MutableByteSpan(pieces).subspan(at, std::min<size_t>(3001, pieces.size() - at));
      if (const Status status = image_.ReadData(inode, at, piece); !status) Failed("piece", status.error());
    }
    if (pieces != got) Differ("content in pieces", "the same", "another");
    CompareRuns(inode, got);
  }

  void CompareRuns(const Inode& inode, const Bytes& content) {
    uint64_t offset = 0;
    while (offset < inode.size) {
      const auto run = image_.NextData(inode, offset);
      if (!run) return Failed("run of data", run.error());
      const uint64_t begin = *run ? (*run)->begin : inode.size;
      for (; offset < begin; ++offset) {
        if (content[offset] != 0) return Differ("hole", 0, content[offset]);
      }
      if (*run) offset = (*run)->end;
    }
    Same("end of data", inode.size, offset);
  }

  void CompareTarget(const Inode& inode) {
    std::string expected(4096, '\0');
    const ssize_t size = ::readlink(path_.c_str(), expected.data(), expected.size());
    expected.resize(size < 0 ? 0 : static_cast<size_t>(size));
    const auto got = image_.ReadLink(inode);
    if (!got) return Failed("target", got.error());
    if (*got != expected) Differ("target", expected, *got);
  }

  void CompareFolder(const std::string& path, const Inode& folder) {
    const std::set<std::string> expected = NamesIn(path);
    auto cursor = DirCursor::Open(image_, folder);
    if (!cursor) return Failed("folder", cursor.error());
    std::set<std::string> got;
    while (const DirCursor::Entry* entry = cursor->entry()) {
      got.emplace(entry->name);
      CompareEntry(path, folder, *entry);
      if (const Status status = cursor->Next(); !status) return Failed("next entry", status.error());
    }
    path_ = path;
    if (got != expected) Differ("names", expected.size(), got.size());
  }

  void CompareEntry(const std::string& path, const Inode& folder, const DirCursor::Entry& entry) {
    path_ = path + "/" + std::string(entry.name);
    const auto found = image_.Lookup(folder, entry.name);
    if (!found) return Failed("lookup", found.error());
    if (!*found || (*found)->nid != entry.nid || (*found)->type != entry.type)
      return Differ("lookup", entry.nid, *found ? (*found)->nid : 0);
    const auto inode = image_.ReadInode(entry.nid);
    if (!inode) return Failed("inode", inode.error());
    Same("d_type", IFTODT(inode->mode), entry.type);
    if (entry.name == ".") return Same("nid of .", folder.nid, entry.nid);
    if (entry.name != "..") Compare(path_, *inode);
  }

  const Image& image_;
  bool any_mtime_;
  std::string path_;
};

}  // namespace

Result<std::shared_ptr<io::BlockSource>> MakeImage(const std::string& tree, const std::string& image,
                                                   const std::vector<std::string>& options) {
  std::vector<std::string> command = {"mkfs.erofs", "--quiet"};
  command.insert(command.end(), options.begin(), options.end());
  command.insert(command.end(), {image, tree});
  VENEER_TRY(io::RunProgram(command));
  VENEER_ASSIGN(Bytes bytes, io::ReadWholeFile(image, uint64_t{1} << 30));
  return std::make_shared<io::MemoryBlockSource>(std::move(bytes));
}

std::vector<std::string> Differences(const Image& image, const std::string& path, bool any_mtime,
                                     size_t& files) {
  const auto root = image.ReadInode(image.root());
  if (!root) return {root.error().message()};
  Comparison comparison(image, any_mtime);
  comparison.Compare(path, *root);
  files = comparison.files;
  return comparison.differences;
}

}  // namespace veneer::erofs
