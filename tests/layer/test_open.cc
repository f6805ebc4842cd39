// Opening layers: who may have signed what, and files that are no layers.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "fs/crypto/sha256.h"
#include "fs/format/trailer.h"
#include "fs/io/file_ops.h"
#include "tests/layer/fixture.h"
#include "tests/support/catch.h"
#include "tests/support/pattern.h"

namespace veneer::test {
namespace {

namespace stdfs = std::filesystem;

// A layer file of image, tree and CMS.
struct Parts {
  Bytes image_and_tree;
  Bytes cms;
  format::Trailer trailer;

  explicit Parts(const Bytes& file)
      : trailer(*format::DecodeTrailer(ByteSpan(file).last(sizeof(format::RawTrailer)), file.size())) {
    const auto cms_begin = file.begin() + static_cast<ptrdiff_t>(trailer.cms_offset);
    image_and_tree.assign(file.begin(), cms_begin);
    cms.assign(cms_begin, cms_begin + static_cast<ptrdiff_t>(trailer.cms_size));
  }

  // The file again, the CMS part's size taken from what it is now.
  Bytes Assemble() const {
    Bytes file = image_and_tree;
    file.insert(file.end(), cms.begin(), cms.end());
    format::Trailer fitted = trailer;
    fitted.cms_size = cms.size();
    const auto bytes = format::EncodeTrailer(fitted);
    file.insert(file.end(), bytes.begin(), bytes.end());
    return file;
  }
};

struct Sealed {
  Sealed() {
    MakeSmallTree(fixture.At("tree"));
    const auto result = fixture.SealBase(fixture.At("tree"), path);
    REQUIRE_OK(result);
    bytes = ReadFile(path);
  }

  LayerFixture fixture;
  std::string path = fixture.At("layer");
  Bytes bytes;
};

void RequireSaysFile(const Error& error, const std::string& name) {
  INFO(error.message());
  CHECK(error.message().starts_with(name + ": "));
  CHECK(error.message().find(name, name.size()) == std::string::npos);
}

TEST_CASE("a layer opens, and shows what was sealed") {
  const Sealed s;
  const auto layer = s.fixture.Open(s.path);
  REQUIRE_OK(layer);
  CHECK((*layer)->id() == ToHex(crypto::Sha256(AsBytes((*layer)->signed_manifest().text))));
  CHECK((*layer)->slot() == 1);
  REQUIRE((*layer)->signed_manifest().signers.size() == 1);
  const erofs::Image& image = (*layer)->image();
  const auto root = image.ReadInode(image.root());
  REQUIRE_OK(root);
  const auto entry = image.Lookup(*root, "a");
  REQUIRE_OK(entry);
  REQUIRE(entry->has_value());
  const auto inode = image.ReadInode((*entry)->nid);
  REQUIRE_OK(inode);
  std::string content(inode->size, '\0');
  REQUIRE_OK(image.ReadData(*inode, 0, {reinterpret_cast<uint8_t*>(content.data()), content.size()}));
  CHECK(content == "content of a");

  const auto unverified = layer::ReadUnverifiedManifest((*layer)->reader().file());
  REQUIRE_OK(unverified);
  CHECK(unverified->id == (*layer)->id());
  CHECK(unverified->text == (*layer)->signed_manifest().text);
}

TEST_CASE("each kind of layer needs a signer of its role") {
  const LayerFixture fixture;
  MakeSmallTree(fixture.At("tree"));
  const auto seal = [&](format::Manifest manifest, const Keys& keys, const std::string& output) {
    REQUIRE_OK(layer::Seal(fixture.At("tree"), output, std::move(manifest), keys.signers, {}));
    auto layer = fixture.Open(output);
    if (!layer) RequireSaysFile(layer.error(), output);
    // Whoever signed it, a person can look at it.
    REQUIRE_OK(layer::ReadUnverifiedManifest(**io::PosixFile::Open(output)));
    return layer;
  };
  REQUIRE_OK(seal(BaseManifest(), fixture.base_keys(), fixture.At("base")));
  REQUIRE_OK(seal(PatchManifest(), fixture.patch_keys(), fixture.At("patch")));
  REQUIRE_FAILS(ErrorCode::kUntrusted,
                seal(BaseManifest(), fixture.patch_keys(), fixture.At("base-by-patcher")));
  REQUIRE_FAILS(ErrorCode::kUntrusted,
                seal(PatchManifest(), fixture.base_keys(), fixture.At("patch-by-baser")));
  const Keys strangers(fixture.At("strangers"));
  const auto strange = seal(BaseManifest(), strangers, fixture.At("base-by-stranger"));
  REQUIRE_FAILS(ErrorCode::kUntrusted, strange);
  CHECK(strange.error().message().find("role base") != std::string::npos);
  CHECK(strange.error().message().find("role patch") != std::string::npos);
  REQUIRE_FAILS(ErrorCode::kUntrusted, seal(PatchManifest(), strangers, fixture.At("patch-by-stranger")));
}

TEST_CASE("a signature's time counts only where it is asked for") {
  const Sealed s;
  const auto file = io::PosixFile::Open(s.path);
  REQUIRE_OK(file);
  const auto at = [&](crypto::TimeCheck time) {
    return layer::ReadSignedManifest(**file, s.fixture.trust(), time);
  };
  REQUIRE_OK(at(crypto::TimeCheck::None()));
  REQUIRE_OK(at(crypto::TimeCheck::At(1800000000)));
  REQUIRE_FAILS(ErrorCode::kExpired, at(crypto::TimeCheck::At(3000000000)));
}

TEST_CASE("files that are no layers") {
  const LayerFixture fixture;
  const auto refuses = [&](const std::string& path, ErrorCode code) {
    const auto layer = fixture.Open(path);
    REQUIRE_FAILS(code, layer);
    RequireSaysFile(layer.error(), path);
  };
  const std::string path = fixture.At("file");
  SECTION("missing") {
    refuses(path, ErrorCode::kNotFound);
  }
  SECTION("empty") {
    WriteFile(path, "");
    refuses(path, ErrorCode::kCorrupt);
  }
  SECTION("short") {
    WriteFile(path, std::string(127, 'x'));
    refuses(path, ErrorCode::kCorrupt);
  }
  SECTION("foreign") {
    WriteFile(path, AsText(Pattern(100000)));
    refuses(path, ErrorCode::kCorrupt);
  }
  SECTION("a folder") {
    REQUIRE_OK(io::MakeFolders(path));
    refuses(path, ErrorCode::kCorrupt);
  }
  SECTION("a fifo") {
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    refuses(path, ErrorCode::kCorrupt);
  }
  SECTION("a symlink") {
    WriteFile(fixture.At("target"), "");
    stdfs::create_symlink("target", path);
    refuses(path, ErrorCode::kCorrupt);
  }
  SECTION("a device that never ends") {
    refuses("/dev/zero", ErrorCode::kCorrupt);
  }
}

TEST_CASE("a layer cut short or with something behind it") {
  const Sealed s;
  const auto length = GENERATE(as<double>{}, 0.0, 0.1, 0.5, 0.9, 0.99);
  Bytes bytes = s.bytes;
  bytes.resize(static_cast<size_t>(static_cast<double>(bytes.size()) * length));
  REQUIRE_FAILS(ErrorCode::kCorrupt, s.fixture.Open(bytes));
  for (size_t less = 1; less < 300; less += 7) {
    bytes.assign(s.bytes.begin(), s.bytes.end() - static_cast<ptrdiff_t>(less));
    REQUIRE_FAILS(ErrorCode::kCorrupt, s.fixture.Open(bytes));
  }
  for (const size_t more : {size_t{1}, size_t{128}, size_t{4096}}) {
    bytes = s.bytes;
    bytes.resize(bytes.size() + more);
    REQUIRE_FAILS(ErrorCode::kCorrupt, s.fixture.Open(bytes));
  }
  bytes = s.bytes;  // and a second trailer behind the first
  bytes.insert(bytes.end(), s.bytes.end() - 128, s.bytes.end());
  REQUIRE_FAILS(ErrorCode::kCorrupt, s.fixture.Open(bytes));
}

TEST_CASE("something between the parts") {
  const Sealed s;
  Parts parts(s.bytes);
  REQUIRE_OK(s.fixture.Open(parts.Assemble()));
  SECTION("behind the signature") {
    parts.cms.push_back(0);
    REQUIRE_FAILS(ErrorCode::kCorrupt, s.fixture.Open(parts.Assemble()));
  }
  SECTION("behind the tree, told in the trailer") {
    parts.image_and_tree.resize(parts.image_and_tree.size() + kBlockSize);
    parts.trailer.tree_size += kBlockSize;
    parts.trailer.cms_offset += kBlockSize;
    REQUIRE_FAILS(ErrorCode::kCorrupt, s.fixture.Open(parts.Assemble()));
  }
  SECTION("image and tree shifted against each other") {
    parts.trailer.image_size -= kBlockSize;
    parts.trailer.tree_offset -= kBlockSize;
    parts.trailer.tree_size += kBlockSize;
    REQUIRE_FAILS(ErrorCode::kCorrupt, s.fixture.Open(parts.Assemble()));
  }
  SECTION("a signature of nothing") {
    parts.cms.clear();
    REQUIRE_FAILS(ErrorCode::kCorrupt, s.fixture.Open(parts.Assemble()));
  }
}

TEST_CASE("the manifest of one layer does not vouch for another's image") {
  const Sealed s;
  // Content alone differs: all sizes are the same.
  REQUIRE_OK(io::WriteFileAtomically(s.fixture.At("tree/folder/large"), Pattern(70000, 1)));
  REQUIRE_OK(s.fixture.SealBase(s.fixture.At("tree"), s.fixture.At("other")));
  const Bytes other_bytes = ReadFile(s.fixture.At("other"));
  Parts parts(s.bytes);
  const Parts other(other_bytes);
  REQUIRE(parts.trailer.image_size == other.trailer.image_size);
  parts.cms = other.cms;
  REQUIRE_FAILS(ErrorCode::kCorrupt, s.fixture.Open(parts.Assemble()));
}

}  // namespace
}  // namespace veneer::test
