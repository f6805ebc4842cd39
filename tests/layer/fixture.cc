#include "tests/layer/fixture.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "fs/crypto/keygen.h"
#include "fs/crypto/sha256.h"
#include "fs/io/file_ops.h"
#include "fs/layer/image_names.h"
#include "tests/support/catch.h"
#include "tests/support/pattern.h"

namespace veneer::test {
namespace {

constexpr int64_t kNow = 1767225600;  // 2026-01-01
constexpr uint64_t kFileLimit = 256 << 20;

std::string TrustFolder(const std::string& path, const Keys& base, const Keys& patch) {
  REQUIRE_OK(io::MakeFolders(path + "/base.d"));
  REQUIRE_OK(io::MakeFolders(path + "/patch.d"));
  std::filesystem::copy_file(base.ca_path, path + "/base.d/ca.pem");
  std::filesystem::copy_file(patch.ca_path, path + "/patch.d/ca.pem");
  return path;
}

std::shared_ptr<const crypto::TrustStore> LoadTrust(const std::string& path) {
  auto trust = crypto::TrustStore::Load(path);
  REQUIRE_OK(trust);
  return *trust;
}

// The content of `inode`, whose type has some.
Result<std::string> ContentOf(const erofs::Image& image, const erofs::Inode& inode) {
  if (inode.IsSymlink()) return image.ReadLink(inode);
  std::string content;
  if (!inode.IsRegular()) return content;
  content.resize(inode.size);
  VENEER_TRY(image.ReadData(inode, 0, {reinterpret_cast<uint8_t*>(content.data()), content.size()}));
  return content;
}

}  // namespace

Keys::Keys(const std::string& path) : ca_path(path + "/ca.pem") {
  REQUIRE_OK(crypto::GenerateDevelopmentKeys(path, "Test", kNow));
  auto signer = crypto::Signer::Load(path + "/signer.key", path + "/signer.pem");
  REQUIRE_OK(signer);
  signers.push_back(std::move(*signer));
}

LayerFixture::LayerFixture()
    : base_keys_(At("base-keys")),
      patch_keys_(At("patch-keys")),
      trust_(LoadTrust(TrustFolder(At("trust"), base_keys_, patch_keys_))) {}

Result<layer::SealResult> LayerFixture::SealBase(const std::string& tree, const std::string& output,
                                                 const layer::Progress& progress) const {
  return layer::Seal(tree, output, BaseManifest(), base_keys_.signers, progress);
}

Result<layer::SealResult> LayerFixture::SealPatch(const std::string& tree, const std::string& output) const {
  return layer::Seal(tree, output, PatchManifest(), patch_keys_.signers, {});
}

Result<std::shared_ptr<const layer::Layer>> LayerFixture::Open(
    std::shared_ptr<const io::RandomAccessFile> file) const {
  return layer::Layer::Open(std::move(file), *trust_, crypto::TimeCheck::None(),
                            std::make_shared<verity::BlockCache>(1 << 20), 1);
}

Result<std::shared_ptr<const layer::Layer>> LayerFixture::Open(const std::string& path) const {
  VENEER_ASSIGN(std::shared_ptr<const io::RandomAccessFile> file, io::PosixFile::Open(path));
  return Open(std::move(file));
}

Result<std::shared_ptr<const layer::Layer>> LayerFixture::Open(Bytes bytes) const {
  return Open(std::make_shared<io::MemoryFile>(std::move(bytes), "memory.layer"));
}

format::Manifest BaseManifest() {
  format::Manifest manifest;
  manifest.kind = format::LayerKind::kBase;
  manifest.name = "sample 1";
  manifest.created = "2026-01-01T00:00:00Z";
  manifest.os = format::OsInfo{"sample", "1", {}};
  return manifest;
}

format::Manifest PatchManifest() {
  format::Manifest manifest;
  manifest.kind = format::LayerKind::kPatch;
  manifest.name = "part (a)";
  manifest.created = "2026-01-02T00:00:00Z";
  manifest.component = "part";
  manifest.sequence = 1;
  manifest.applies_to = format::AppliesTo{"sample", {"1"}, {}};
  return manifest;
}

void MakeSmallTree(const std::string& path) {
  REQUIRE_OK(io::MakeFolders(path + "/folder"));
  WriteFile(path + "/a", "content of a");
  WriteFile(path + "/folder/b", "content of b");
  WriteFile(path + "/folder/large", AsText(Pattern(70000)));
  std::filesystem::create_symlink("folder/b", path + "/link");
}

Bytes ReadFile(const std::string& path) {
  auto bytes = io::ReadWholeFile(path, kFileLimit);
  REQUIRE_OK(bytes);
  return std::move(*bytes);
}

void WriteFile(const std::string& path, std::string_view text) {
  REQUIRE_OK(io::WriteFileAtomically(path, AsBytes(text)));
}

Result<Digest> ReadAll(const layer::Layer& layer) {
  const erofs::Image& image = layer.image();
  VENEER_ASSIGN(const std::vector<layer::ImageName> names, layer::ListImage(image));
  crypto::Sha256Hasher hasher;
  for (const layer::ImageName& name : names) {
    VENEER_ASSIGN(const erofs::Inode inode, image.ReadInode(name.nid));
    VENEER_ASSIGN(std::string content, ContentOf(image, inode));
    VENEER_ASSIGN(const std::vector<erofs::Xattr> xattrs, image.ListXattrs(inode));
    std::string text =
        fmt::format("{} {} {:o} {} {} {} {} {}.{} {}\n", name.path, name.nid, inode.mode, inode.uid,
                    inode.gid, inode.nlink, inode.size, inode.mtime, inode.mtime_nsec, inode.rdev);
    for (const erofs::Xattr& xattr : xattrs) text += xattr.name + "=" + xattr.value + "\n";
    hasher.Update(AsBytes(text));
    hasher.Update(AsBytes(content));
  }
  return hasher.Finish();
}

}  // namespace veneer::test
