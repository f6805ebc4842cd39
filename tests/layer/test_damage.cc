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
    const auto shown = OpenAndRead();
    REQUIRE_OK(shown);
    good_ = *shown;
    const auto layer = fixture_.Open(file_);
    REQUIRE_OK(layer);
    const std::string& text = (*layer)->signed_manifest().text;
    manifest_offset_ = AsText(file_->bytes()).find(text, trailer_.cms_offset);
    manifest_size_ = text.size();
    REQUIRE(manifest_offset_ < file_->size());
  }

  const format::Trailer& trailer() const { return trailer_; }
  // Where in the file the signed text stands.
  uint64_t manifest_offset() const { return manifest_offset_; }
  uint64_t manifest_size() const { return manifest_size_; }
  uint64_t size() const { return file_->size(); }

  // Reads all of the layer with one bit at byte `offset` flipped. The error, or nothing where all that it
  // shows is right nevertheless.
  std::optional<Error> Flip(uint64_t offset) {
    const auto bit = static_cast<uint8_t>(1U << (Scramble(offset) % 8));
    file_->bytes()[offset] ^= bit;
    const auto shown = OpenAndRead();
    file_->bytes()[offset] ^= bit;
    INFO("byte " << offset);
    if (!shown) return shown.error();
    REQUIRE(*shown == good_);
    return {};
  }

  // REQUIREs that a flipped bit is found and named as damage.
  void RequireFound(uint64_t offset) {
    const auto error = Flip(offset);
    INFO("byte " << offset);
    REQUIRE(error);
    INFO(error->message());
    const bool says_damage = error->code() == ErrorCode::kCorrupt || error->code() == ErrorCode::kUnsupported;
    REQUIRE(says_damage);
    REQUIRE(error->message().find("memory.layer") != std::string::npos);
  }

 private:
  // The layer's id, and a digest of all that it shows.
  Result<std::string> OpenAndRead() const {
    VENEER_ASSIGN(const auto layer, fixture_.Open(file_));
    VENEER_ASSIGN(const Digest digest, ReadAll(*layer));
    return layer->id() + " " + ToHex(digest);
  }

  LayerFixture fixture_;
  std::shared_ptr<io::MemoryFile> file_;
  format::Trailer trailer_;
  std::string good_;
  uint64_t manifest_offset_ = 0;
  uint64_t manifest_size_ = 0;
};

TEST_CASE("a flipped bit in the image") {
  Damaged layer;
  const uint64_t blocks = layer.trailer().image_size / kBlockSize;
  unsigned tried = 0;
  unsigned found = 0;
  for (uint64_t block = 0; block < blocks; block += 1 + block / 16) {
    ++tried;
    if (layer.Flip(block * kBlockSize + Scramble(block) % kBlockSize)) ++found;
  }
  CHECK(tried > 20);
  CHECK(found + 1 >= tried);  // mkfs.erofs leaves one block of zeros that holes made useless
  layer.RequireFound(1024);   // superblock
  layer.RequireFound(1024 + 14);
}

TEST_CASE("a flipped bit in the hash tree") {
  Damaged layer;
  const uint64_t tree = layer.trailer().tree_offset;
  for (const unsigned byte : {0U, 8U, 12U, 32U, 64U, 68U, 72U, 80U})
    layer.RequireFound(tree + byte);          // its superblock
  layer.RequireFound(tree + kBlockSize);      // the digest of the first block of leaves, in the root's
  layer.RequireFound(tree + 2 * kBlockSize);  // the digest of the image's first block
  for (uint64_t byte = 0; byte < layer.trailer().tree_size; byte += 509) layer.Flip(tree + byte);
}

TEST_CASE("a flipped bit in the signature or in what it signs") {
  Damaged layer;
  // A few bits of a CMS message, such as its version number, are neither signed nor needed: with those
  // changed, all that is signed is still right.
  for (uint64_t byte = 0; byte < layer.trailer().cms_size; ++byte)
    layer.Flip(layer.trailer().cms_offset + byte);
  for (uint64_t byte = 0; byte < layer.manifest_size(); ++byte)
    layer.RequireFound(layer.manifest_offset() + byte);
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
