// Damage anywhere in a layer is an error, or does not show: never wrong bytes.
#include "fs/format/trailer.h"
#include "tests/layer/fixture.h"
#include "tests/support/catch.h"
#include "tests/support/pattern.h"
#include "tests/support/sample_tree.h"

namespace veneer::test {
namespace {

class Damaged {
 public:
  Damaged() {
    SampleTreeOptions options = SampleTreeForMe();
    options.big_folder = 100;
    MakeSampleTree(fixture_.At("tree"), options);
    REQUIRE_OK(fixture_.SealBase(fixture_.At("tree"), fixture_.At("layer")));
    file_ = std::make_shared<io::MemoryFile>(ReadFile(fixture_.At("layer")), "memory.layer");
    const auto trailer =
        format::DecodeTrailer(ByteSpan(file_->bytes()).last(sizeof(format::RawTrailer)), file_->size());
    REQUIRE_OK(trailer);
    trailer_ = *trailer;
    const auto digest = OpenAndRead();
    REQUIRE_OK(digest);
    good_ = *digest;
  }

  const format::Trailer& trailer() const { return trailer_; }
  uint64_t size() const { return file_->size(); }

  // Reads all of the layer with one bit at byte `offset` flipped. The error, or nothing where all that it
  // shows is right nevertheless.
  std::optional<Error> Flip(uint64_t offset) {
    const auto bit = static_cast<uint8_t>(1U << (Scramble(offset) % 8));
    file_->bytes()[offset] ^= bit;
    const auto digest = OpenAndRead();
    file_->bytes()[offset] ^= bit;
    INFO("byte " << offset);
    if (!digest) return digest.error();
    REQUIRE(ToHex(*digest) == ToHex(good_));
    return {};
  }

  // REQUIREs that a flipped bit is found and named as damage.
  void RequireFound(uint64_t offset) {
    const auto error = Flip(offset);
    INFO("byte " << offset);
    REQUIRE(error);
    INFO(error->message());
    REQUIRE(CodeWord(error->code()) == CodeWord(ErrorCode::kCorrupt));
    REQUIRE(error->message().find("memory.layer") != std::string::npos);
  }

 private:
  Result<Digest> OpenAndRead() const {
    VENEER_ASSIGN(const auto layer, fixture_.Open(file_));
    return ReadAll(*layer);
  }

  LayerFixture fixture_;
  std::shared_ptr<io::MemoryFile> file_;
  format::Trailer trailer_;
  Digest good_{};
};

TEST_CASE("a flipped bit in the image") {
  Damaged layer;
  const uint64_t blocks = layer.trailer().image_size / kBlockSize;
  for (uint64_t block = 0; block < blocks; block += 1 + block / 16) {
    // Damage in a block that nothing refers to, as behind a file's end, need not be found by reading files.
    layer.Flip(block * kBlockSize + Scramble(block) % kBlockSize);
  }
  layer.RequireFound(1024);  // superblock
  layer.RequireFound(1024 + 14);
}

TEST_CASE("a flipped bit in the hash tree") {
  Damaged layer;
  const uint64_t tree = layer.trailer().tree_offset;
  for (const uint64_t byte : {0, 8, 12, 32, 64, 68, 72, 80})
    layer.RequireFound(tree + byte);          // its superblock
  layer.RequireFound(tree + kBlockSize);      // the digest of the first block of leaves, in the root's
  layer.RequireFound(tree + 2 * kBlockSize);  // the digest of the image's first block
  for (uint64_t byte = 0; byte < layer.trailer().tree_size; byte += 509) layer.Flip(tree + byte);
}

TEST_CASE("a flipped bit in the signature or in what it signs") {
  Damaged layer;
  unsigned unseen = 0;
  for (uint64_t byte = 0; byte < layer.trailer().cms_size; byte += 3) {
    if (!layer.Flip(layer.trailer().cms_offset + byte)) ++unseen;
  }
  CHECK(unseen == 0);
}

TEST_CASE("a flipped bit in the trailer") {
  Damaged layer;
  for (uint64_t byte = layer.size() - sizeof(format::RawTrailer); byte < layer.size(); ++byte) {
    INFO(byte);
    const auto error = layer.Flip(byte);
    const uint64_t field = byte - (layer.size() - sizeof(format::RawTrailer));
    if (field == 10 || field == 11) continue;  // the writer's minor version says nothing to a reader
    REQUIRE(error);
  }
}

}  // namespace
}  // namespace veneer::test
