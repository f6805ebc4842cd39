// Comparing two folders as a person would with every tool there is.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace veneer::test {

struct CompareOptions {
  bool hole_layout = false;   // where files have holes, in blocks of 4096 bytes
  bool folder_nlink = false;  // st_nlink of folders, of which some file systems have their own idea
  // st_size, st_blocks and st_blksize of everything, the other times, what statx(2) says of attributes (but
  // for the immutable one, which FUSE cannot carry), the types in listings, whether overlayfs's mark can be
  // got, and that the right side lists each name with its st_ino.
  bool whole_stat = false;
  // Names that the left side lists and cannot look up count as absent: overlayfs lists the whiteouts of a
  // folder that only one layer has.
  bool left_lists_whiteouts = false;
  size_t max_differences = 20;  // after so many, it stops
};

// What the trees differ in, one line each with its path, nothing if they are equal: names, type, mode, owner,
// size, mtime in ns, device number, link count, symlink target, all xattrs, content, which names are hard
// links of each other. What cannot be read is a difference.
std::vector<std::string> CompareTrees(const std::string& left, const std::string& right,
                                      const CompareOptions& options = {});

// The same as one text, for INFO and for comparing with "".
std::string DescribeDifferences(const std::string& left, const std::string& right,
                                const CompareOptions& options = {});

}  // namespace veneer::test
