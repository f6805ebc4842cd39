// A tree as data: what a folder is to hold, to be written to disk and to be reckoned with.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace veneer::test {

enum class Kind : uint8_t {
  kFolder,
  kFile,
  kSymlink,
  kFifo,
  kSocket,
  kCharDevice,
  kBlockDevice,
  kWhiteout,  // of layers only
};

// Bytes of a file that are not in a hole: Pattern(size, seed) from byte `offset` on.
struct FileRun {
  uint64_t offset = 0;
  uint64_t size = 0;
  uint64_t seed = 0;
};

struct TreeItem {
  Kind kind = Kind::kFolder;
  bool opaque = false;   // folders of layers: carries overlayfs's mark
  uint32_t mode = 0755;  // permission bits
  uint32_t uid = 0;
  uint32_t gid = 0;
  int64_t mtime = 0;  // seconds since 1970
  uint32_t mtime_nsec = 0;
  uint32_t major = 0;  // devices
  uint32_t minor = 0;
  uint64_t size = 0;  // files, bytes
  std::vector<FileRun> runs;
  std::string target;                         // symlinks
  std::map<std::string, std::string> xattrs;  // ACLs among them
  uint64_t link = 0;                          // items with one number, other than 0, are one inode

  bool IsFolder() const { return kind == Kind::kFolder; }
};

// By path from the root, without a leading '/'; "" is the root. The folders above each path are there too.
using TreeSpec = std::map<std::string, TreeItem>;

// The path of the folder that `path` is in.
std::string ParentPath(const std::string& path);

// Takes all below `path` out of `map`, whose keys are paths.
template <typename Map>
void EraseBelow(Map& map, const std::string& path) {
  // '0' is the character behind '/'.
  if (path.empty()) {
    map.erase(map.upper_bound(path), map.end());
  } else {
    map.erase(map.lower_bound(path + '/'), map.lower_bound(path + '0'));
  }
}

// Type and permission bits, as in st_mode.
uint32_t ModeOf(const TreeItem& item);

// All bytes of a file.
std::string ContentOf(const TreeItem& item);

// Fills the empty folder `folder` with `tree`. Needs root. Fails the test if the file system will not.
void WriteTree(const TreeSpec& tree, const std::string& folder);

}  // namespace veneer::test
