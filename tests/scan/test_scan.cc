#include "fs/scan/scan.h"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <set>

#include "fs/io/process.h"
#include "fs/scan/path_index.h"
#include "fs/verity/tree_builder.h"
#include "tests/support/catch.h"
#include "tests/support/faulty_file.h"
#include "tests/support/pattern.h"
#include "tests/support/scoped_cancel.h"
#include "tests/support/scratch.h"

namespace veneer::scan {
namespace {

using Paths = std::vector<std::string>;

// An image of mkfs.erofs with its hash tree behind it, in memory: what a layer has without its signature.
class SealedImage {
 public:
  SealedImage() {
    static const Bytes made = MakeImage();
    Bytes bytes = made;
    layout_.image_size = layout_.tree_offset = bytes.size();
    const auto tree = verity::BuildTree(io::MemoryFile(bytes), bytes.size(), {});
    REQUIRE_OK(tree);
    layout_.tree_size = tree->bytes.size();
    layout_.root_hash = tree->root_hash;
    bytes.insert(bytes.end(), tree->bytes.begin(), tree->bytes.end());
    file_ = std::make_shared<io::MemoryFile>(std::move(bytes), "layer");
  }

  void Flip(uint64_t offset) { file_->bytes().at(offset) ^= 1; }
  uint64_t image_blocks() const { return layout_.image_size / kBlockSize; }
  uint64_t tree_block() const { return layout_.tree_offset / kBlockSize; }
  std::shared_ptr<const io::RandomAccessFile> file() const { return file_; }

  std::shared_ptr<const verity::VerifiedReader> Reader(
      std::shared_ptr<const io::RandomAccessFile> file) const {
    auto reader = verity::VerifiedReader::Open(std::move(file), layout_,
                                               std::make_shared<verity::BlockCache>(1 << 20), 1);
    REQUIRE_OK(reader);
    return std::move(*reader);
  }

  LayerScan Scan() const { return ScanOf(file_); }

  LayerScan ScanOf(std::shared_ptr<const io::RandomAccessFile> file) const {
    const auto reader = Reader(std::move(file));
    const auto image = erofs::Image::Open(reader);
    auto scan = ScanBlocks(*reader, image ? &*image : nullptr, {});
    REQUIRE_OK(scan);
    CHECK(scan->blocks == image_blocks());
    CHECK(scan->bytes == layout_.image_size);
    return *scan;
  }

  static erofs::Inode InodeAt(const erofs::Image& image, const std::string& path) {
    auto inode = image.ReadInode(image.root());
    for (size_t start = 0; start < path.size();) {
      const size_t end = std::min(path.find('/', start), path.size());
      REQUIRE_OK(inode);
      const auto entry = image.Lookup(*inode, path.substr(start, end - start));
      REQUIRE_OK(entry);
      REQUIRE(entry->has_value());
      inode = image.ReadInode((*entry)->nid);
      start = end + 1;
    }
    REQUIRE_OK(inode);
    return *inode;
  }

  // The blocks of the image that hold what is at `path`.
  std::vector<erofs::BlockRange> BlocksOf(const std::string& path) const {
    const auto image = erofs::Image::Open(Reader(file_));
    REQUIRE_OK(image);
    auto blocks = image->BlocksOf(InodeAt(*image, path));
    REQUIRE_OK(blocks);
    return *blocks;
  }

 private:
  static Bytes MakeImage() {
    const test::Scratch scratch;
    MakeTree(scratch / "tree");
    REQUIRE_OK(io::RunProgram({"mkfs.erofs", "--quiet", scratch / "image", scratch / "tree"}));
    auto image = io::ReadWholeFile(scratch / "image", 64 << 20);
    REQUIRE_OK(image);
    image->resize(BlocksFor(image->size()) * kBlockSize);
    return *image;
  }

  static void MakeTree(const std::string& tree) {
    std::filesystem::create_directories(tree + "/folder/inner");
    std::filesystem::create_directories(tree + "/many");
    Write(tree + "/large", test::Pattern(1 << 20, 1));
    Write(tree + "/folder/file", test::Pattern(10 * kBlockSize, 2));
    Write(tree + "/folder/inner/small", test::Pattern(100, 3));
    REQUIRE(::link((tree + "/large").c_str(), (tree + "/folder/hard-link").c_str()) == 0);
    for (int i = 0; i < 1000; ++i) Write(tree + "/many/with-a-longer-name-" + std::to_string(i), {});
  }

  static void Write(const std::string& path, const Bytes& bytes) {
    std::ofstream(path, std::ios::binary) << AsText(bytes);
  }

  std::shared_ptr<io::MemoryFile> file_;
  verity::Layout layout_;
};

TEST_CASE("a good image has no damage") {
  CHECK(SealedImage().Scan().findings.empty());
}

TEST_CASE("a flipped bit is found in its block, wherever it is") {
  SealedImage image;
  const uint64_t last = image.image_blocks() - 1;
  for (const uint64_t block : {uint64_t{0}, uint64_t{1}, image.image_blocks() / 2, last}) {
    for (const uint64_t byte : {uint64_t{0}, uint64_t{2000}, uint64_t{kBlockSize - 1}}) {
      const uint64_t offset = block * kBlockSize + byte;
      image.Flip(offset);
      const LayerScan scan = image.Scan();
      REQUIRE(scan.findings.size() == 1);
      CHECK(scan.findings[0].block == block);
      CHECK(scan.findings[0].kind == "data");
      image.Flip(offset);
    }
  }
  CHECK(image.Scan().findings.empty());
}

TEST_CASE("content names all paths of its file") {
  SealedImage image;
  const auto blocks = image.BlocksOf("large");
  image.Flip((blocks.back().end - 1) * kBlockSize);
  const LayerScan scan = image.Scan();
  REQUIRE(scan.findings.size() == 1);
  CHECK(scan.findings[0].paths == Paths{"folder/hard-link", "large"});
}

TEST_CASE("several blocks of one file are several findings with one path") {
  SealedImage image;
  const auto blocks = image.BlocksOf("folder/file");
  const uint64_t last = blocks.back().end - 1;
  image.Flip(last * kBlockSize);
  image.Flip((last - 3) * kBlockSize);
  const LayerScan scan = image.Scan();
  REQUIRE(scan.findings.size() == 2);
  CHECK(scan.findings[0].block == last - 3);
  CHECK(scan.findings[1].block == last);
  for (const Finding& finding : scan.findings) CHECK(finding.paths == Paths{"folder/file"});
}

TEST_CASE("inodes that cannot be read are named by their block") {
  SealedImage image;
  const uint64_t header = image.BlocksOf("many/with-a-longer-name-500").front().begin;
  std::set<std::string> expected;
  for (int i = 0; i < 1000; ++i) {
    const std::string path = "many/with-a-longer-name-" + std::to_string(i);
    if (image.BlocksOf(path).front().begin == header) expected.insert(path);
  }
  REQUIRE(expected.size() > 10);
  image.Flip(header * kBlockSize + 100);
  const LayerScan scan = image.Scan();
  REQUIRE(scan.findings.size() == 1);
  const std::set<std::string> named(scan.findings[0].paths.begin(), scan.findings[0].paths.end());
  CHECK(std::includes(named.begin(), named.end(), expected.begin(), expected.end()));
}

TEST_CASE("entries that cannot be read are named by their folder") {
  SealedImage image;
  const auto blocks = image.BlocksOf("many");
  const uint64_t entries = blocks.back().begin;
  image.Flip(entries * kBlockSize);
  const LayerScan scan = image.Scan();
  REQUIRE(scan.findings.size() == 1);
  CHECK(scan.findings[0].block == entries);
  CHECK(std::count(scan.findings[0].paths.begin(), scan.findings[0].paths.end(), "many") == 1);
}

TEST_CASE("with the superblock goes every name, and yet all damage is found") {
  SealedImage image;
  const uint64_t block = image.BlocksOf("large").back().end - 1;
  image.Flip(1024);
  image.Flip(block * kBlockSize);
  const LayerScan scan = image.Scan();
  REQUIRE(scan.findings.size() == 2);
  CHECK(scan.findings[0].block == 0);
  CHECK(scan.findings[1].block == block);
  CHECK(scan.findings[1].paths.empty());
}

TEST_CASE("a leaf of the hash tree that is off is one finding, with the paths it vouched for") {
  SealedImage image;
  // Behind the superblock and the root: the leaves, of which the first vouches for the first 128 blocks.
  const uint64_t first_leaf = image.tree_block() + 2;
  image.Flip(first_leaf * kBlockSize + 5);
  const LayerScan scan = image.Scan();
  REQUIRE(scan.findings.size() == 1);
  CHECK(scan.findings[0].block == first_leaf);
  CHECK(scan.findings[0].kind == "tree");
}

TEST_CASE("with the root of the hash tree nothing is good") {
  SealedImage image;
  image.Flip((image.tree_block() + 1) * kBlockSize);
  const LayerScan scan = image.Scan();
  REQUIRE(scan.findings.size() == 1);
  CHECK(scan.findings[0].block == image.tree_block() + 1);
  CHECK(scan.findings[0].kind == "tree");
}

TEST_CASE("a block that the device cannot read is damage, and costs that block alone") {
  const SealedImage image;
  const uint64_t end = image.BlocksOf("large").back().end;
  const uint64_t behind = GENERATE(uint64_t{1}, uint64_t{100}, uint64_t{256});  // from the bad block on
  const auto file = std::make_shared<test::FaultyFile>(image.file());
  file->FailAt((end - behind) * kBlockSize + 7);
  const LayerScan scan = image.ScanOf(file);
  REQUIRE(scan.findings.size() == 1);
  CHECK(scan.findings[0].block == end - behind);
  CHECK(scan.findings[0].kind == "data");
  CHECK(scan.findings[0].paths == Paths{"folder/hard-link", "large"});

  const auto opened = erofs::Image::Open(image.Reader(file));
  REQUIRE_OK(opened);
  const erofs::Inode large = SealedImage::InodeAt(*opened, "large");
  const Bytes content = test::Pattern(1 << 20, 1);
  const uint64_t bad = content.size() / kBlockSize - behind;
  for (uint64_t block = 0; block < content.size() / kBlockSize; ++block) {
    Bytes out(kBlockSize);
    const Status read = opened->ReadData(large, block * kBlockSize, out);
    if (block == bad) {
      REQUIRE_FAILS(ErrorCode::kIo, read);
      CHECK(out == Bytes(kBlockSize));
    } else {
      REQUIRE_OK(read);
      CHECK(std::equal(out.begin(), out.end(), content.begin() + static_cast<ptrdiff_t>(block * kBlockSize)));
    }
  }
  file->Heal();
  CHECK(image.ScanOf(file).findings.empty());
}

// The tree is behind the image: where the file ends before its leaves, nothing vouches for what is there, and
// where it ends before the root, nothing for the leaves.
TEST_CASE("a file that ends early under the scanner is damage from its first block on") {
  const SealedImage image;
  const test::Scratch scratch;
  Bytes bytes(image.file()->size());
  REQUIRE_OK(image.file()->ReadExact(0, bytes));
  REQUIRE_OK(io::WriteFileAtomically(scratch / "layer", bytes));
  auto file = io::PosixFile::Open(scratch / "layer");
  REQUIRE_OK(file);
  const auto reader = image.Reader(std::move(*file));
  const uint64_t blocks = GENERATE_COPY(image.tree_block() + 2, image.image_blocks() / 2, uint64_t{0});
  REQUIRE(::truncate((scratch / "layer").c_str(), static_cast<off_t>(blocks * kBlockSize)) == 0);
  const auto scan = ScanBlocks(*reader, nullptr, {});
  REQUIRE_OK(scan);
  const bool root_left = blocks > image.tree_block();
  REQUIRE(scan->findings.size() == (root_left ? (image.image_blocks() + 127) / 128 : 1));
  for (size_t i = 0; i < scan->findings.size(); ++i) {
    CHECK(scan->findings[i].block == image.tree_block() + (root_left ? 2 : 1) + i);
    CHECK(scan->findings[i].kind == "tree");
  }
}

TEST_CASE("a scan stops when it is asked to") {
  const SealedImage image;
  const auto reader = image.Reader(image.file());
  const auto opened = erofs::Image::Open(reader);
  REQUIRE_OK(opened);
  const test::ScopedCancel cancel;
  REQUIRE_FAILS(ErrorCode::kInterrupted, ScanBlocks(*reader, &*opened, {}));
  REQUIRE_FAILS(ErrorCode::kInterrupted, PathsOfBlocks(*opened, {1}));
}

TEST_CASE("progress ends at the whole") {
  const SealedImage image;
  uint64_t last = 0;
  uint64_t all = 0;
  REQUIRE_OK(
      ScanBlocks(*image.Reader(image.file()), nullptr, [&](const char* stage, uint64_t done, uint64_t total) {
        CHECK(std::string(stage) == "checking");
        CHECK(done >= last);
        last = done;
        all = total;
      }));
  CHECK(all == image.image_blocks() * kBlockSize);
  CHECK(last == all);
}

TEST_CASE("an inode leads back to a path") {
  const SealedImage image;
  const auto opened = erofs::Image::Open(image.Reader(image.file()));
  REQUIRE_OK(opened);
  const auto root = opened->ReadInode(opened->root());
  REQUIRE_OK(root);
  const auto entry = opened->Lookup(*root, "folder");
  REQUIRE_OK(entry);
  CHECK(PathOfInode(*opened, (*entry)->nid) == "folder");
  CHECK(PathOfInode(*opened, opened->root()) == "");
  CHECK(PathOfInode(*opened, 123456789) == "");
}

}  // namespace
}  // namespace veneer::scan
