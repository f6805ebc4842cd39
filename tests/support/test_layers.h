// Small layers for tests of the union: trees written by hand, made into real EROFS images, with no signature
// around them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "fs/core/layer_table.h"
#include "fs/core/view.h"
#include "fs/io/file_ops.h"

namespace veneer::test {

// A folder below /tmp that is filled step by step; each function makes the folders above its path.
class TestTree {
 public:
  TestTree();

  TestTree& File(const std::string& path, const std::string& content, unsigned mode = 0644);
  TestTree& Folder(const std::string& path, unsigned mode = 0755);
  TestTree& Symlink(const std::string& path, const std::string& target);
  TestTree& Link(const std::string& path, const std::string& existing);
  TestTree& Whiteout(const std::string& path);
  TestTree& Opaque(const std::string& path);
  TestTree& Xattr(const std::string& path, const std::string& name, const std::string& value);
  TestTree& Remove(const std::string& path);

  const std::string& path() const { return folder_.path(); }

  // The tree as an image in memory.
  core::StackLayer Layer(uint16_t slot) const;

 private:
  std::string Place(const std::string& path);

  io::TemporaryFolder folder_;
};

// All of a regular file at `path` of `view`; "(absent)" if there is none.
std::string ReadFile(const core::View& view, const std::string& path);

// The names in the folder at `path`, in order, without "." and "..", each followed by one of / @ * for
// folders, symlinks and the rest that is no regular file.
std::vector<std::string> List(const core::View& view, const std::string& path);

}  // namespace veneer::test
