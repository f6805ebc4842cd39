// A folder with every kind of thing that a file system holds.
#pragma once

#include <cstdint>
#include <string>

namespace veneer::test {

struct SampleTreeOptions {
  // In which order things are made, xattrs too. The tree is the same for each.
  uint64_t order = 0;
  // Files in the largest folder.
  unsigned big_folder = 600;
  // Files with holes. Without them, mkfs.erofs has no reason to cut files into chunks.
  bool holes = true;
  // What only root can make: device nodes, owners, xattrs trusted.* and security.*.
  bool privileged = true;
};

// Makes the folder `path`, which must not be there: files of many sizes, with holes, setuid, setgid, sticky
// and unreadable ones; symlinks; hard links; fifo, socket and device nodes; large owner ids; times before
// 1970, far ahead, and to the nanosecond; xattrs, ACLs, capabilities; names long, odd and not UTF-8; empty,
// deep and big folders. Fails the test if the file system will not.
void MakeSampleTree(const std::string& path, const SampleTreeOptions& options = {});

// An option set for who we are.
SampleTreeOptions SampleTreeForMe();

}  // namespace veneer::test
