// Layer files that are damaged and mended in place.
#include <fcntl.h>

#include <atomic>
#include <filesystem>

#include "fs/crypto/sha256.h"
#include "fs/io/file_ops.h"
#include "fs/scan/hash_block.h"
#include "fs/scan/repair.h"
#include "fs/verity/tree_builder.h"
#include "tests/support/catch.h"
#include "tests/support/pattern.h"
#include "tests/support/scoped_cancel.h"
#include "tests/support/scratch.h"

namespace veneer::scan {
namespace {

constexpr uint64_t kTwoLevels = 130;      // image blocks: two leaves, and the root
constexpr uint64_t kThreeLevels = 16385;  // 129, 2 and the root

// Image and hash tree in a file: what a layer has without its signature.
class LayerFile {
 public:
  LayerFile(std::string id, Bytes image) : id_(std::move(id)), good_(std::move(image)) {
    layout_.image_size = layout_.tree_offset = good_.size();
    const auto tree = verity::BuildTree(io::MemoryFile(good_), good_.size(), {});
    REQUIRE_OK(tree);
    layout_.tree_size = tree->bytes.size();
    layout_.root_hash = tree->root_hash;
    good_.insert(good_.end(), tree->bytes.begin(), tree->bytes.end());
    REQUIRE_OK(io::WriteFileAtomically(path(), good_));
  }

  uint64_t tree_block() const { return layout_.tree_offset / kBlockSize; }
  verity::Geometry geometry() const { return *verity::Geometry::For(tree_block()); }
  uint64_t HashBlock(size_t level, uint64_t index) const {
    return tree_block() + geometry().TreeBlock({level, index});
  }
  ByteSpan Good(uint64_t block) const { return ByteSpan(good_).subspan(block * kBlockSize, kBlockSize); }

  void Put(uint64_t block, ByteSpan bytes, uint64_t byte = 0) const {
    const UniqueFd fd(::open(path().c_str(), O_WRONLY | O_CLOEXEC));
    REQUIRE_OK(io::WriteAt(fd.get(), block * kBlockSize + byte, bytes, path()));
  }
  void Flip(uint64_t block, uint64_t byte = 7) const {
    const uint8_t flipped = Good(block)[byte] ^ 1;
    Put(block, {&flipped, 1}, byte);
  }
  void Clear(uint64_t block) const { Put(block, Bytes(kBlockSize)); }

  Bytes Present() const {
    auto bytes = io::ReadWholeFile(path(), uint64_t{1} << 30);
    REQUIRE_OK(bytes);
    return *bytes;
  }
  bool IsGood() const { return Present() == good_; }

  Donor AsDonor() const {
    return {id_, [this]() -> Result<Donor::Blocks> {
              VENEER_ASSIGN(std::shared_ptr<const io::RandomAccessFile> file, io::PosixFile::Open(path()));
              return Donor::Blocks{std::move(file), layout_};
            }};
  }

  // Likewise, with another layout.
  Donor AsDonorWith(uint64_t image_size) const {
    return {id_, [=, this]() -> Result<Donor::Blocks> {
              VENEER_ASSIGN(Donor::Blocks blocks, AsDonor().open());
              blocks.layout = {image_size, image_size, layout_.tree_size, layout_.root_hash};
              return blocks;
            }};
  }

  std::shared_ptr<const io::RandomAccessFile> File() const {
    auto file = io::PosixFile::Open(path());
    REQUIRE_OK(file);
    return std::move(*file);
  }
  std::shared_ptr<const verity::VerifiedReader> Reader(
      std::shared_ptr<const io::RandomAccessFile> file) const {
    auto reader = verity::VerifiedReader::Open(std::move(file), layout_,
                                               std::make_shared<verity::BlockCache>(8 << 20), 1);
    REQUIRE_OK(reader);
    return std::move(*reader);
  }
  std::shared_ptr<const verity::VerifiedReader> Reader() const { return Reader(File()); }
  UniqueFd ForWriting() const { return UniqueFd(::open(path().c_str(), O_RDWR | O_CLOEXEC)); }

  Result<Repair> TryRepair(std::vector<Donor> others = {}, int mode = O_RDWR) const {
    others.insert(others.begin(), AsDonor());
    const UniqueFd fd(::open(path().c_str(), mode | O_CLOEXEC));
    return RepairLayer(Reader(), others, io::SystemDisk(), fd.get(), {});
  }

  Repair Mend(std::vector<Donor> others = {}) const {
    auto repair = TryRepair(std::move(others));
    REQUIRE_OK(repair);
    REQUIRE_OK(repair->failure);
    return *std::move(repair);
  }

 private:
  std::string path() const { return scratch_ / "layer"; }

  test::Scratch scratch_;
  std::string id_;
  Bytes good_;
  verity::Layout layout_;
};

// A file that counts the reads of one of its blocks.
class CountedReads final : public io::RandomAccessFile {
 public:
  CountedReads(std::shared_ptr<const io::RandomAccessFile> file, uint64_t block)
      : file_(std::move(file)), byte_(block * kBlockSize) {}

  uint64_t count() const { return count_; }

  uint64_t size() const override { return file_->size(); }
  const std::string& name() const override { return file_->name(); }
  Status ReadExact(uint64_t offset, MutableByteSpan out) const override {
    if (byte_ >= offset && byte_ - offset < out.size()) ++count_;
    return file_->ReadExact(offset, out);
  }

 private:
  std::shared_ptr<const io::RandomAccessFile> file_;
  uint64_t byte_;
  mutable std::atomic<uint64_t> count_{0};
};

// A disk that says of every write that it is done, and loses those to one block.
class LosingDisk final : public io::Disk {
 public:
  explicit LosingDisk(uint64_t block) : block_(block) {}

  Status WriteAt(int fd, uint64_t offset, ByteSpan bytes, const std::string& name) override {
    if (offset / kBlockSize == block_) return {};
    return io::SystemDisk().WriteAt(fd, offset, bytes, name);
  }
  Status Sync(int fd, const std::string& name) override { return io::SystemDisk().Sync(fd, name); }

  // A repair takes no other steps.
  Result<UniqueFd> CreateTemporary(std::string& path, unsigned) override { return None(path); }
  Status Write(int, ByteSpan, const std::string& name) override { return None(name); }
  Status Copy(int, uint64_t, uint64_t, int, const std::string& name) override { return None(name); }
  Status MakeFolder(const std::string& path) override { return None(path); }
  Status Rename(const std::string& from, const std::string&) override { return None(from); }
  Status Exchange(const std::string& one, const std::string&) override { return None(one); }
  Status Remove(const std::string& path) override { return None(path); }
  Status RemoveTree(const std::string& path) override { return None(path); }
  Status SyncFolder(const std::string& path) override { return None(path); }

 private:
  static tl::unexpected<Error> None(const std::string& name) {
    return Fail(ErrorCode::kUnsupported, "{}", name);
  }

  uint64_t block_;
};

Bytes Image(uint64_t blocks, uint64_t seed) {
  return test::Pattern(blocks * kBlockSize, seed);
}

// `image` with its block `to` made equal to the block `from` of `other`.
Bytes WithBlockOf(Bytes image, uint64_t to, const Bytes& other, uint64_t from) {
  std::copy_n(other.begin() + static_cast<ptrdiff_t>(from * kBlockSize), kBlockSize,
              image.begin() + static_cast<ptrdiff_t>(to * kBlockSize));
  return image;
}

using Mended = std::map<uint64_t, std::string>;

TEST_CASE("a good layer is left alone") {
  const LayerFile layer("layer", Image(kTwoLevels, 1));
  const Repair repair = layer.Mend();
  CHECK(repair.scan.findings.empty());
  CHECK(repair.scan.blocks == kTwoLevels);
  CHECK(repair.mended.empty());
}

TEST_CASE("a damaged block comes from another layer, wherever it is there") {
  const LayerFile layer("layer", Image(kTwoLevels, 1));
  const LayerFile stranger("stranger", Image(3, 2));
  const LayerFile donor("donor", WithBlockOf(Image(300, 3), 299, Image(kTwoLevels, 1), 129));
  layer.Flip(129);
  const Repair repair = layer.Mend({stranger.AsDonor(), donor.AsDonor()});
  REQUIRE(repair.scan.findings.size() == 1);
  CHECK(repair.scan.findings[0].block == 129);
  CHECK(repair.mended == Mended{{129, "donor"}});
  CHECK(layer.IsGood());
  CHECK(donor.IsGood());
}

TEST_CASE("a damaged block comes from the same layer where it is there twice") {
  const Bytes image = Image(kTwoLevels, 1);
  const LayerFile layer("layer", WithBlockOf(image, 5, image, 128));
  layer.Clear(5);
  CHECK(layer.Mend().mended == Mended{{5, "layer"}});
  CHECK(layer.IsGood());
}

TEST_CASE("an image of one block has no hash block, and is mended all the same") {
  const LayerFile layer("layer", Image(1, 1));
  const LayerFile donor("donor", Image(1, 1));
  layer.Flip(0);
  CHECK(layer.Mend({donor.AsDonor()}).mended == Mended{{0, "donor"}});
  CHECK(layer.IsGood());
}

TEST_CASE("what is nowhere else stays as it is") {
  const LayerFile layer("layer", Image(kTwoLevels, 1));
  const LayerFile other("other", Image(kTwoLevels, 2));
  layer.Flip(3);
  const Bytes damaged = layer.Present();
  const Repair repair = layer.Mend({other.AsDonor()});
  CHECK(repair.scan.findings.size() == 1);
  CHECK(repair.mended.empty());
  CHECK(layer.Present() == damaged);
}

TEST_CASE("a donor that is damaged itself, cannot be opened or lies gives nothing") {
  const LayerFile layer("layer", Image(kTwoLevels, 1));
  const LayerFile damaged("damaged", Image(kTwoLevels, 1));
  layer.Flip(3);
  damaged.Flip(3, 9);
  const Donor gone{"gone", []() -> Result<Donor::Blocks> { return Fail(ErrorCode::kDamaged, "gone"); }};
  // Its tree says of other bytes that they have the digest that is wanted.
  const LayerFile liar("liar", Image(kTwoLevels, 2));
  liar.Put(liar.HashBlock(0, 0), layer.Good(layer.HashBlock(0, 0)));
  const Bytes before = layer.Present();
  CHECK(layer.Mend({gone, damaged.AsDonor(), liar.AsDonor()}).mended.empty());
  CHECK(layer.Present() == before);

  const LayerFile good("good", Image(kTwoLevels, 1));
  const Repair repair = layer.Mend({gone, damaged.AsDonor(), liar.AsDonor(), good.AsDonor()});
  CHECK(repair.mended == Mended{{3, "good"}});
  CHECK(layer.IsGood());
}

TEST_CASE("a hash block of any level is worked out again") {
  const LayerFile layer("layer", Image(kThreeLevels, 1));
  REQUIRE(layer.geometry().levels().size() == 3);
  for (const uint64_t block : {layer.HashBlock(0, 0), layer.HashBlock(0, 128), layer.HashBlock(1, 0),
                               layer.HashBlock(1, 1), layer.HashBlock(2, 0)}) {
    for (const bool whole : {false, true}) {
      whole ? layer.Clear(block) : layer.Flip(block);
      const Repair repair = layer.Mend();
      REQUIRE(repair.scan.findings.size() == 1);
      CHECK(repair.scan.findings[0].kind == "tree");
      CHECK(repair.mended == Mended{{block, "layer"}});
      CHECK(layer.IsGood());
    }
  }
}

TEST_CASE("hash blocks above each other are worked out from the image") {
  const LayerFile layer("layer", Image(kThreeLevels, 1));
  const Mended all = {
      {layer.HashBlock(2, 0), "layer"}, {layer.HashBlock(1, 0), "layer"}, {layer.HashBlock(0, 0), "layer"}};
  for (const auto& [block, from] : all) layer.Clear(block);
  const Repair repair = layer.Mend();
  CHECK(repair.scan.findings.size() == 3);
  CHECK(repair.mended == all);
  CHECK(layer.IsGood());
}

TEST_CASE("a hash block and data below it are mended together") {
  const LayerFile layer("layer", Image(kTwoLevels, 1));
  const LayerFile donor("donor", WithBlockOf(Image(2, 2), 1, Image(kTwoLevels, 1), 3));
  layer.Flip(layer.HashBlock(0, 0), 7);  // the digest of block 0, where block 3 is damaged
  layer.Clear(3);
  const Repair repair = layer.Mend({donor.AsDonor()});
  CHECK(repair.mended == Mended{{layer.HashBlock(0, 0), "layer"}, {3, "donor"}});
  CHECK(layer.IsGood());
}

TEST_CASE("a hash block that is lost above lost data comes from a layer that has it whole") {
  const LayerFile layer("layer", Image(kTwoLevels, 1));
  layer.Clear(layer.HashBlock(0, 0));
  layer.Clear(3);
  const Repair hopeless = layer.Mend();
  CHECK(hopeless.scan.findings.size() == 1);
  CHECK(hopeless.mended.empty());

  Bytes longer = Image(kTwoLevels, 1);
  const Bytes more = Image(200, 2);
  longer.insert(longer.end(), more.begin(), more.end());
  const LayerFile donor("donor", longer);
  CHECK(layer.Mend({donor.AsDonor()}).mended == Mended{{layer.HashBlock(0, 0), "donor"}, {3, "donor"}});
  CHECK(layer.IsGood());
}

TEST_CASE("where many digests are in doubt the ways are tried") {
  const LayerFile layer("layer", Image(kTwoLevels, 1));
  const LayerFile donor("donor", Image(100, 1));  // not enough for the hash block
  const uint64_t leaf = layer.HashBlock(0, 0);
  for (uint64_t i = 0; i < 4; ++i) {
    layer.Flip(leaf, i * sizeof(Digest));
    layer.Flip(10 + i);
  }
  CHECK(layer.Mend({donor.AsDonor()}).mended ==
        Mended{{leaf, "layer"}, {10, "donor"}, {11, "donor"}, {12, "donor"}, {13, "donor"}});
  CHECK(layer.IsGood());
}

// Whether hash block `position`, which is damaged, can be had again with `effort`, which is counted down.
bool CanWorkOut(const LayerFile& layer, verity::Geometry::Position position, Effort& effort) {
  const auto reader = layer.Reader();
  const auto digest = reader->HashBlockDigest(position);
  REQUIRE_OK(digest);
  WorkOut work_out(*reader, effort);
  const auto easy = work_out.Try({position, *digest});
  REQUIRE_OK(easy);
  if (*easy) return true;
  int found = 0;
  REQUIRE_OK(work_out.Settle([](const HashBlock&) { return true; },
                             [&](const HashBlock&, const io::BlockData&) { ++found; }));
  effort = work_out.effort();
  return found == 1;
}

TEST_CASE("of the ways to work out a hash block no more are tried than may be") {
  const LayerFile layer("layer", Image(kTwoLevels, 1));
  layer.Flip(layer.HashBlock(0, 0), 2 * sizeof(Digest));
  layer.Flip(10);
  layer.Flip(11);
  Effort enough{8, 0};
  CHECK(CanWorkOut(layer, {0, 0}, enough));
  CHECK(enough.ways == 0);
  CHECK_FALSE(CanWorkOut(layer, {0, 0}, enough));
  Effort much{uint64_t{1} << 20, 0};
  for (uint64_t i = 20; i < 34; ++i) layer.Flip(i);  // 17 are in doubt
  CHECK_FALSE(CanWorkOut(layer, {0, 0}, much));
  CHECK(much.ways == uint64_t{1} << 20);
  for (uint64_t i = 10; i < 34; ++i) layer.Put(i, layer.Good(i));
  Effort none;
  CHECK(CanWorkOut(layer, {0, 0},
                   none));  // what lies below is all right, and is tried whatever was tried before
}

TEST_CASE("of hash blocks that are hard to work out the easier ones come first") {
  const LayerFile layer("layer", Image(2 * kTwoLevels, 1));
  // Beyond help, as both of what says so are damaged; and one that is not, behind it.
  layer.Flip(layer.HashBlock(0, 0), 3 * sizeof(Digest));
  for (uint64_t i = 0; i < 4; ++i) layer.Flip(i);
  layer.Flip(layer.HashBlock(0, 1));
  for (uint64_t i = 129; i < 131; ++i) layer.Flip(i);
  const auto reader = layer.Reader();
  WorkOut work_out(*reader, {16, 0});
  for (uint64_t i = 0; i < 2; ++i) {
    const auto digest = reader->HashBlockDigest({0, i});
    REQUIRE_OK(digest);
    const auto easy = work_out.Try({{0, i}, *digest});
    REQUIRE_OK(easy);
    CHECK_FALSE(easy->has_value());
  }
  std::vector<uint64_t> found;
  REQUIRE_OK(work_out.Settle([](const HashBlock&) { return true; },
                             [&](const HashBlock& block, const io::BlockData& data) {
                               found.push_back(block.position.index);
                               CHECK(crypto::Sha256(data) == block.digest);
                             }));
  CHECK(found == std::vector<uint64_t>{1});
  CHECK(work_out.effort().ways == 8);
}

TEST_CASE("damage made to use up the ways keeps nothing from being mended that donors have") {
  constexpr uint64_t kMade = 16;  // hash blocks; to work all of them out takes all the ways that may be tried
  constexpr uint64_t kFirst = kMade * verity::kDigestsPerBlock;
  const Bytes image = Image(kFirst + 4, 1);
  const LayerFile layer("layer", image);
  const LayerFile whole("whole", Image(kFirst, 1));  // has these hash blocks too
  const LayerFile few("few", WithBlockOf(Image(3, 2), 1, image, kFirst + 1));
  for (uint64_t i = 0; i < kMade; ++i) {
    layer.Flip(layer.HashBlock(0, i));
    for (uint64_t j = 1; j < 16; ++j) layer.Flip(i * verity::kDigestsPerBlock + j);
  }
  // The last one is to be worked out, and below it is what the other donor has.
  layer.Flip(layer.HashBlock(0, kMade));
  layer.Flip(kFirst + 1);
  const Repair repair = layer.Mend({whole.AsDonor(), few.AsDonor()});
  CHECK(repair.mended.size() == kMade * 16 + 2);
  CHECK(repair.mended.at(layer.HashBlock(0, 0)) == "whole");
  CHECK(repair.mended.at(layer.HashBlock(0, kMade)) == "layer");
  CHECK(repair.mended.at(kFirst + 1) == "few");
  CHECK(layer.IsGood());
}

TEST_CASE("of the image no more is read for a hash block above others than may be") {
  const LayerFile layer("layer", Image(kThreeLevels, 1));
  layer.Clear(layer.HashBlock(1, 0));
  Effort none{100, 0};
  CHECK(CanWorkOut(layer, {1, 0}, none));  // of the hash blocks below
  layer.Clear(layer.HashBlock(0, 0));
  Effort little{100, 128 * 128 - 1};
  CHECK_FALSE(CanWorkOut(layer, {1, 0}, little));
  CHECK(little.blocks == 128 * 128 - 1);
  Effort enough{100, 128 * 128};
  CHECK(CanWorkOut(layer, {1, 0}, enough));
  CHECK(enough.blocks == 0);
  layer.Clear(layer.HashBlock(1, 1));
  layer.Clear(layer.HashBlock(0, 128));
  Effort last{100, 1};
  CHECK(CanWorkOut(layer, {1, 1}, last));  // the last one has less below it
}

TEST_CASE("what cannot be worked out is not read again, though another hash block is mended") {
  const LayerFile layer("layer", Image(kThreeLevels, 1));
  layer.Clear(layer.HashBlock(1, 0));
  layer.Clear(layer.HashBlock(0, 60));
  layer.Flip(5000);
  layer.Clear(layer.HashBlock(1, 1));
  const auto counted = std::make_shared<const CountedReads>(layer.File(), 4000);
  const UniqueFd fd = layer.ForWriting();
  const auto repair = RepairLayer(layer.Reader(counted), {layer.AsDonor()}, io::SystemDisk(), fd.get(), {});
  REQUIRE_OK(repair);
  CHECK(repair->mended == Mended{{layer.HashBlock(1, 1), "layer"}});
  CHECK(counted->count() == 3);  // two scans, and once to work out what is above it
}

TEST_CASE("a donor whose layout is not that of its file gives nothing, and takes no time") {
  const LayerFile layer("layer", Image(kTwoLevels, 1));
  const LayerFile donor("donor", Image(kTwoLevels, 1));
  layer.Flip(3);
  const uint64_t size = kTwoLevels * kBlockSize;
  for (const uint64_t image_size :
       {uint64_t{0}, size - 1, size + 4 * kBlockSize, uint64_t{1} << 52, ~uint64_t{0}}) {
    INFO(image_size);
    CHECK(layer.Mend({donor.AsDonorWith(image_size)}).mended.empty());
  }
  CHECK(layer.Mend({donor.AsDonorWith(size)}).mended == Mended{{3, "donor"}});
}

TEST_CASE("of much damage all is mended that can be") {
  const LayerFile layer("layer", Image(kThreeLevels, 1));
  const LayerFile donor("donor", Image(1000, 1));  // the first of the same blocks
  for (const uint64_t block : {2U, 300U, 999U}) layer.Flip(block);
  layer.Flip(5000);
  layer.Clear(layer.HashBlock(0, 60));
  layer.Flip(layer.HashBlock(1, 0));
  const Repair repair = layer.Mend({donor.AsDonor()});
  CHECK(repair.scan.findings.size() == 6);
  CHECK(repair.mended == Mended{{2, "donor"},
                                {300, "donor"},
                                {999, "donor"},
                                {layer.HashBlock(0, 60), "layer"},
                                {layer.HashBlock(1, 0), "layer"}});
  layer.Put(5000, layer.Good(5000));
  CHECK(layer.IsGood());
}

TEST_CASE("where a block cannot be written it is not called mended") {
  const LayerFile layer("layer", Image(kTwoLevels, 1));
  layer.Clear(layer.HashBlock(0, 0));
  const auto repair = layer.TryRepair({}, O_RDONLY);
  REQUIRE_OK(repair);
  REQUIRE_FAILS(ErrorCode::kIo, repair->failure);
  CHECK(repair->scan.findings.size() == 1);
  CHECK(repair->mended.empty());
}

TEST_CASE("a block that the disk did not keep is not called mended") {
  const LayerFile layer("layer", Image(kTwoLevels, 1));
  const LayerFile donor("donor", Image(kTwoLevels, 1));
  const uint64_t leaf = layer.HashBlock(0, 1);
  layer.Flip(3);
  layer.Flip(20);
  layer.Flip(leaf);
  const uint64_t lost = GENERATE_COPY(uint64_t{3}, leaf);
  LosingDisk disk(lost);
  const UniqueFd fd = layer.ForWriting();
  const auto repair = RepairLayer(layer.Reader(), {layer.AsDonor(), donor.AsDonor()}, disk, fd.get(), {});
  REQUIRE_OK(repair);
  REQUIRE_FAILS(ErrorCode::kIo, repair->failure);
  CHECK(repair->failure.error().message().find(fmt::format("block {}:", lost)) != std::string::npos);
  CHECK(repair->scan.findings.size() == 3);
  Mended mended = {{3, "donor"}, {20, "donor"}, {leaf, "layer"}};
  mended.erase(lost);
  CHECK(repair->mended == mended);
  CHECK_FALSE(repair->IsWhole());
}

TEST_CASE("a repair stops when it is asked to") {
  const LayerFile layer("layer", Image(kTwoLevels, 1));
  layer.Flip(3);
  const test::ScopedCancel cancel;
  REQUIRE_FAILS(ErrorCode::kInterrupted, layer.TryRepair());
}

}  // namespace
}  // namespace veneer::scan
