#include "tests/support/test_layers.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <filesystem>

#include "fs/core/folder_lister.h"
#include "fs/erofs/overlay.h"
#include "fs/io/process.h"
#include "tests/support/catch.h"

namespace veneer::test {
namespace {

namespace stdfs = std::filesystem;

io::TemporaryFolder MakeFolder() {
  auto folder = io::TemporaryFolder::Create("/tmp");
  REQUIRE_OK(folder);
  return std::move(*folder);
}

}  // namespace

TestTree::TestTree() : folder_(MakeFolder()) {}

std::string TestTree::Place(const std::string& path) {
  const stdfs::path place = stdfs::path(folder_.path()) / path;
  stdfs::create_directories(place.parent_path());
  return place;
}

TestTree& TestTree::File(const std::string& path, const std::string& content, unsigned mode) {
  const std::string place = Place(path);
  REQUIRE_OK(io::WriteFileAtomically(place, AsBytes(content), mode));
  return *this;
}

TestTree& TestTree::Folder(const std::string& path, unsigned mode) {
  const std::string place = Place(path);
  stdfs::create_directories(place);
  REQUIRE(::chmod(place.c_str(), mode) == 0);
  return *this;
}

TestTree& TestTree::Symlink(const std::string& path, const std::string& target) {
  REQUIRE(::symlink(target.c_str(), Place(path).c_str()) == 0);
  return *this;
}

TestTree& TestTree::Link(const std::string& path, const std::string& existing) {
  REQUIRE(::link(Place(existing).c_str(), Place(path).c_str()) == 0);
  return *this;
}

TestTree& TestTree::Whiteout(const std::string& path) {
  REQUIRE(::mknod(Place(path).c_str(), S_IFCHR, makedev(0, 0)) == 0);
  return *this;
}

TestTree& TestTree::Opaque(const std::string& path) {
  Folder(path);
  return Xattr(path, std::string(erofs::kOpaqueXattr), "y");
}

TestTree& TestTree::Xattr(const std::string& path, const std::string& name, const std::string& value) {
  REQUIRE(::lsetxattr(Place(path).c_str(), name.c_str(), value.data(), value.size(), 0) == 0);
  return *this;
}

TestTree& TestTree::Remove(const std::string& path) {
  stdfs::remove_all(Place(path));
  return *this;
}

core::StackLayer TestTree::Layer(uint16_t slot) const {
  const io::TemporaryFolder folder = MakeFolder();
  const std::string file = folder.path() + "/image";
  REQUIRE_OK(io::RunProgram({"mkfs.erofs", "-d0", file, path()}));
  auto bytes = io::ReadWholeFile(file, 1 << 30);
  REQUIRE_OK(bytes);
  auto image = erofs::Image::Open(std::make_shared<io::MemoryBlockSource>(std::move(*bytes)));
  REQUIRE_OK(image);
  return {slot, std::make_shared<const erofs::Image>(std::move(*image))};
}

std::string ReadFile(const core::View& view, const std::string& path) {
  const auto node = view.Walk(path);
  REQUIRE_OK(node);
  if (!*node) return "(absent)";
  std::string content((*node)->inode.size, '\0');
  const MutableByteSpan out(reinterpret_cast<uint8_t*>(content.data()), content.size());
  REQUIRE_OK(view.ImageOf((*node)->id)->ReadData((*node)->inode, 0, out));
  return content;
}

std::vector<std::string> List(const core::View& view, const std::string& path) {
  const auto node = view.Walk(path);
  REQUIRE_OK(node);
  REQUIRE(node->has_value());
  auto lister = core::FolderLister::Open(view, (*node)->id, 0);
  REQUIRE_OK(lister);
  std::vector<std::string> names;
  for (; lister->entry() != nullptr;) {
    const auto& entry = *lister->entry();
    if (entry.name != "." && entry.name != "..") {
      const auto child = lister->EntryNode();
      REQUIRE_OK(child);
      CHECK(child->id == lister->EntryId());
      std::string name(entry.name);
      if (child->inode.IsFolder())
        name += '/';
      else if (child->inode.IsSymlink())
        name += '@';
      else if (!child->inode.IsRegular())
        name += '*';
      names.push_back(std::move(name));
    }
    REQUIRE_OK(lister->Next());
  }
  return names;
}

}  // namespace veneer::test
