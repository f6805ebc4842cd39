// Reads a signed image from a device that an attacker writes between the reads; the root hash stays what it
// was.
//
// An input is text. Its first line is a count of data blocks, and the next lower one of kSizes is taken. Each
// further line is a step, a letter and decimal numbers. AT and FROM are any block of the file, in image or
// tree; BLOCK is one of the image, or the first beyond it.
//
//   f AT BIT             flip a bit
//   w AT BYTE TEXT       write TEXT over a block, from a byte on
//   p AT FROM            put what one block holds now in the place of another
//   a BLOCK              make the tree agree with BLOCK as it is now, up to the root's block
//   e AT                 let reading the block be a device error
//   c AT BYTE            cut the file off there, or let it be that long again
//   m AT                 mend the block
//   o KEPT               open the file anew, with an empty cache for KEPT blocks
//   r BLOCK BYTE LENGTH  Read; BYTE is added to where BLOCK begins
//   b BLOCK              Block
//   l BLOCK              LeafDigest
//
// What comes back is as it was signed, or an error that says truly what is wrong with a block on the way.
#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <set>

#include "fs/crypto/sha256.h"
#include "fs/verity/tree_builder.h"
#include "fs/verity/verified_reader.h"
#include "tests/fuzz/require.h"
#include "tests/support/pattern.h"

namespace veneer::verity {
namespace {

// Where a level of the tree is full or just begun.
constexpr std::array<uint64_t, 6> kSizes = {1, 127, 128, 129, 16384, 16385};
constexpr uint64_t kMaxRead = (2 * kDigestsPerBlock + 2) * kBlockSize;
constexpr int kMaxSteps = 64;
const std::string kName = "device";

io::BlockData DataBlock(uint64_t block) {
  io::BlockData data;
  for (size_t at = 0; at < data.size(); at += sizeof(uint64_t)) {
    const uint64_t word = test::Scramble(block << 12 | at);
    std::memcpy(data.data() + at, &word, sizeof word);
  }
  return data;
}

// The image alone, made as it is read.
class Image final : public io::RandomAccessFile {
 public:
  explicit Image(uint64_t blocks) : size_(blocks * kBlockSize) {}

  uint64_t size() const override { return size_; }
  const std::string& name() const override { return kName; }
  Status ReadExact(uint64_t offset, MutableByteSpan out) const override {
    for (size_t at = 0; at < out.size(); at += kBlockSize) {
      const io::BlockData data = DataBlock((offset + at) / kBlockSize);
      std::copy(data.begin(), data.end(), out.begin() + static_cast<ptrdiff_t>(at));
    }
    return {};
  }

 private:
  uint64_t size_;
};

// What was signed.
struct Signed {
  Geometry geometry;
  Tree tree;

  uint64_t data_blocks() const { return geometry.data_blocks(); }
  uint64_t file_blocks() const { return data_blocks() + geometry.tree_blocks(); }

  io::BlockData Block(uint64_t block) const {
    if (block < data_blocks()) return DataBlock(block);
    io::BlockData data;
    const uint64_t at = (block - data_blocks()) * kBlockSize;
    std::copy_n(tree.bytes.begin() + static_cast<ptrdiff_t>(at), data.size(), data.begin());
    return data;
  }

  // The blocks of the file that vouch for data block `block`, from the leaves' level to the root's.
  std::vector<uint64_t> Above(uint64_t block) const {
    std::vector<uint64_t> above;
    for (const Level& level : geometry.levels()) {
      block /= kDigestsPerBlock;
      above.push_back(data_blocks() + level.first_block + block);
    }
    return above;
  }
};

const Signed& SignedOf(uint64_t blocks) {
  static std::map<uint64_t, Signed> made;
  const auto found = made.find(blocks);
  if (found != made.end()) return found->second;
  Signed fresh{*Geometry::For(blocks), *BuildTree(Image(blocks), blocks * kBlockSize, {})};
  return made.emplace(blocks, std::move(fresh)).first->second;
}

class Device final : public io::RandomAccessFile {
 public:
  explicit Device(const Signed& image) : signed_(image), size_(image.file_blocks() * kBlockSize) {}

  uint64_t size() const override { return size_; }
  const std::string& name() const override { return kName; }

  Status ReadExact(uint64_t offset, MutableByteSpan out) const override {
    Require(offset % kBlockSize == 0 && out.size() % kBlockSize == 0);
    for (size_t at = 0; at < out.size(); at += kBlockSize) {
      const uint64_t block = (offset + at) / kBlockSize;
      if (const auto failure = FailureOf(block)) return tl::unexpected<Error>(*failure);
      const io::BlockData data = Now(block);
      std::copy(data.begin(), data.end(), out.begin() + static_cast<ptrdiff_t>(at));
    }
    return {};
  }

  io::BlockData Now(uint64_t block) const {
    const auto found = written_.find(block);
    return found == written_.end() ? signed_.Block(block) : found->second;
  }

  void Write(uint64_t block, size_t at, ByteSpan bytes) {
    io::BlockData data = Now(block);
    std::copy_n(bytes.begin(), std::min(bytes.size(), data.size() - at),
                data.begin() + static_cast<ptrdiff_t>(at));
    written_[block] = data;
  }

  void Break(uint64_t block) { broken_.insert(block); }
  void Cut(uint64_t size) { size_ = size; }
  void Mend(uint64_t block) {
    written_.erase(block);
    broken_.erase(block);
  }

  // What a reader must say of `block` of the file where it needs it; nothing if it is as it was signed.
  std::optional<Error> FlawOf(uint64_t block) const {
    if (auto failure = FailureOf(block)) return failure;
    if (Now(block) == signed_.Block(block)) return std::nullopt;
    const bool in_image = block < signed_.data_blocks();
    return Error(ErrorCode::kCorrupt, fmt::format("{}: {} {} does not match its signed hash", kName,
                                                  in_image ? "block" : "hash tree block",
                                                  in_image ? block : block - signed_.data_blocks()));
  }

 private:
  std::optional<Error> FailureOf(uint64_t block) const {
    if (broken_.contains(block)) return Error(ErrorCode::kIo, fmt::format("{}: no block {}", kName, block));
    if (block < size_ / kBlockSize) return std::nullopt;
    return Error(ErrorCode::kCorrupt, fmt::format("{}: ends before block {} does", kName, block));
  }

  const Signed& signed_;
  std::map<uint64_t, io::BlockData> written_;
  std::set<uint64_t> broken_;
  uint64_t size_;
};

// Takes a letter and numbers off the front of a line.
class Line {
 public:
  explicit Line(std::string_view text) : text_(text) {}

  char Letter() {
    const char letter = text_.empty() ? ' ' : text_.front();
    text_.remove_prefix(std::min<size_t>(text_.size(), 1));
    return letter;
  }

  // The next number, modulo 2^64; 0 where there is none.
  uint64_t Number() {
    if (text_.starts_with(' ')) text_.remove_prefix(1);
    uint64_t number = 0;
    for (; !text_.empty() && text_.front() >= '0' && text_.front() <= '9'; text_.remove_prefix(1)) {
      number = number * 10 + static_cast<uint64_t>(text_.front() - '0');
    }
    return number;
  }

  std::string_view Rest() const { return text_.starts_with(' ') ? text_.substr(1) : text_; }

 private:
  std::string_view text_;
};

class Attack {
 public:
  explicit Attack(const Signed& image) : signed_(image), device_(std::make_shared<Device>(image)) {
    Open(16);
  }

  // A block handed out once stays as it was.
  ~Attack() {
    for (const auto& [block, data] : held_) Require(*data == signed_.Block(block));
  }
  Attack(const Attack&) = delete;
  Attack& operator=(const Attack&) = delete;

  void Step(Line line) {
    switch (line.Letter()) {
      case 'f':
        return Flip(line);
      case 'w':
        return Write(line);
      case 'p':
        return Put(line);
      case 'a':
        return Agree(line.Number() % signed_.data_blocks());
      case 'e':
        return device_->Break(At(line));
      case 'c':
        return Cut(line);
      case 'm':
        return device_->Mend(At(line));
      case 'o':
        return Open(line.Number() % 300);
      case 'r':
        return Read(line);
      case 'b':
        return ReadBlock(BlockOf(line));
      case 'l':
        return ReadDigest(BlockOf(line));
      default:
        return;
    }
  }

 private:
  uint64_t At(Line& line) const { return line.Number() % signed_.file_blocks(); }
  uint64_t BlockOf(Line& line) const { return line.Number() % (signed_.data_blocks() + 1); }

  void Flip(Line& line) {
    const uint64_t at = At(line);
    const uint64_t bit = line.Number() % (uint64_t{8} * kBlockSize);
    const auto byte = static_cast<uint8_t>(device_->Now(at)[bit / 8] ^ 1U << bit % 8);
    device_->Write(at, bit / 8, {&byte, 1});
  }

  void Write(Line& line) {
    const uint64_t at = At(line);
    const size_t byte = line.Number() % kBlockSize;
    device_->Write(at, byte, AsBytes(line.Rest()));
  }

  void Put(Line& line) {
    const uint64_t at = At(line);
    device_->Write(at, 0, device_->Now(At(line)));
  }

  void Cut(Line& line) {
    const uint64_t at = line.Number() % (signed_.file_blocks() + 1);
    device_->Cut(at * kBlockSize + line.Number() % kBlockSize);
  }

  void Agree(uint64_t block) {
    uint64_t below = block;  // in the file
    uint64_t index = block;  // in its level
    for (const uint64_t above : signed_.Above(block)) {
      const Digest digest = crypto::Sha256(device_->Now(below));
      device_->Write(above, index % kDigestsPerBlock * digest.size(), digest);
      below = above;
      index /= kDigestsPerBlock;
    }
  }

  void Open(uint64_t kept) {
    const uint64_t image_size = signed_.data_blocks() * kBlockSize;
    const Layout layout{image_size, image_size, signed_.tree.bytes.size(), signed_.tree.root_hash};
    auto opened = VerifiedReader::Open(device_, layout, std::make_shared<BlockCache>(kept * kBlockSize), 1);
    const bool whole = device_->size() >= signed_.file_blocks() * kBlockSize;
    const bool sound = whole && !device_->FlawOf(signed_.data_blocks());
    reader_ = opened ? *std::move(opened) : nullptr;
    if (reader_ == nullptr) return Require(!sound);
    Require(whole);
    // The UUID alone is anybody's.
    const io::BlockData now = device_->Now(signed_.data_blocks());
    const io::BlockData was = signed_.Block(signed_.data_blocks());
    const size_t uuid = offsetof(format::RawVeritySuperblock, uuid);
    const size_t behind = uuid + sizeof(format::Uuid);
    Require(std::equal(now.begin(), now.begin() + uuid, was.begin()));
    Require(std::equal(now.begin() + behind, now.end(), was.begin() + behind));
  }

  // `error` must be what is wrong with one of `blocks` of the file.
  void RequireTrue(const Error& error, const std::set<uint64_t>& blocks) const {
    Require(std::any_of(blocks.begin(), blocks.end(), [&](uint64_t block) {
      const auto flaw = device_->FlawOf(block);
      return flaw && flaw->code() == error.code() && flaw->message() == error.message();
    }));
  }

  // The image's blocks from `first` to `last`, and all that vouch for them.
  std::set<uint64_t> Needed(uint64_t first, uint64_t last) const {
    std::set<uint64_t> needed;
    for (uint64_t block = first; block <= last; ++block) {
      needed.insert(block);
      for (const uint64_t above : signed_.Above(block)) needed.insert(above);
    }
    return needed;
  }

  void Read(Line& line) {
    if (reader_ == nullptr) return;
    const uint64_t block = BlockOf(line);
    const uint64_t offset = block * kBlockSize + line.Number();
    const uint64_t length = line.Number() % kMaxRead;
    Bytes out(length, 0xee);
    const Status read = reader_->Read(offset, out);
    if (!read) Require(std::all_of(out.begin(), out.end(), [](uint8_t value) { return value == 0; }));

    const uint64_t size = reader_->size();
    if (offset > size || length > size - offset) {
      return Require(!read && read.error().code() == ErrorCode::kCorrupt);
    }
    if (!read) {
      Require(length > 0);
      return RequireTrue(read.error(), Needed(offset / kBlockSize, (offset + length - 1) / kBlockSize));
    }
    for (uint64_t at = offset; at < offset + length;) {
      const io::BlockData right = DataBlock(at / kBlockSize);
      const uint64_t skip = at % kBlockSize;
      const uint64_t count = std::min(kBlockSize - skip, offset + length - at);
      Require(std::memcmp(out.data() + (at - offset), right.data() + skip, count) == 0);
      at += count;
    }
  }

  void ReadBlock(uint64_t block) {
    if (reader_ == nullptr) return;
    const auto data = reader_->Block(block);
    if (block == signed_.data_blocks()) return Require(!data && data.error().code() == ErrorCode::kCorrupt);
    if (!data) return RequireTrue(data.error(), Needed(block, block));
    Require(**data == DataBlock(block));
    held_.emplace_back(block, *data);
  }

  void ReadDigest(uint64_t block) {
    if (reader_ == nullptr) return;
    const auto digest = reader_->LeafDigest(block);
    if (block == signed_.data_blocks())
      return Require(!digest && digest.error().code() == ErrorCode::kCorrupt);
    const auto above = signed_.Above(block);
    if (!digest) return RequireTrue(digest.error(), {above.begin(), above.end()});
    Require(*digest == crypto::Sha256(DataBlock(block)));
  }

  const Signed& signed_;
  std::shared_ptr<Device> device_;
  std::unique_ptr<VerifiedReader> reader_;  // null while the file cannot be opened
  std::vector<std::pair<uint64_t, io::BlockRef>> held_;
};

}  // namespace
}  // namespace veneer::verity

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace veneer::verity;
  std::string_view text = veneer::AsText({data, size});
  const auto next_line = [&] {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    return Line(line);
  };
  const uint64_t wanted = std::max(next_line().Number(), kSizes.front());
  Attack attack(SignedOf(*std::prev(std::upper_bound(kSizes.begin(), kSizes.end(), wanted))));
  for (int i = 0; i < kMaxSteps && !text.empty(); ++i) attack.Step(next_line());
  return 0;
}
