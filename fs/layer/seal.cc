#include "fs/layer/seal.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <memory>

#include "fs/crypto/sha256.h"
#include "fs/format/trailer.h"
#include "fs/io/file_ops.h"
#include "fs/io/random_access_file.h"
#include "fs/layer/image_canonical.h"
#include "fs/layer/image_check.h"
#include "fs/layer/image_names.h"
#include "fs/layer/mkfs_erofs.h"
#include "fs/layer/tree_scan.h"
#include "fs/layer/unverified_source.h"
#include "fs/verity/tree_builder.h"
#include "fs/verity/verified_reader.h"

namespace veneer::layer {
namespace {

namespace stdfs = std::filesystem;

constexpr size_t kCheckCacheSize = 16 << 20;  // bytes

// The absolute path of `output`, which must not be there yet and must not lie in `tree`.
Result<std::string> ResolveOutput(const std::string& tree, const std::string& output) {
  struct stat st {};
  if (::lstat(output.c_str(), &st) == 0) return Fail(ErrorCode::kExists, "{}: is there already", output);
  std::error_code error;
  const stdfs::path root = stdfs::canonical(tree, error);
  if (error) return FailErrno(error.value(), tree);
  const stdfs::path given(output);
  const stdfs::path folder = stdfs::canonical(given.has_parent_path() ? given.parent_path() : ".", error);
  if (error) return FailErrno(error.value(), output);
  const auto [end, unused] = std::mismatch(root.begin(), root.end(), folder.begin(), folder.end());
  if (end == root.end())
    return Fail(ErrorCode::kUsage, "{}: lies in the tree {} that is to be sealed", output, tree);
  return (folder / given.filename()).string();
}

// A manifest that a reader would refuse is the caller's mistake, and better said before the work than after.
Status CheckManifest(format::Manifest manifest) {
  manifest.image_size = manifest.tree_offset = manifest.tree_size = kBlockSize;
  const auto parsed = format::ParseManifest(AsBytes(format::WriteManifest(manifest)));
  if (!parsed) return Fail(ErrorCode::kUsage, "{}", parsed.error().message());
  return {};
}

// A UUID (RFC 9562, version 8) that names the content.
format::Uuid UuidOf(const Digest& content) {
  format::Uuid uuid{};
  std::copy_n(content.begin(), uuid.size(), uuid.begin());
  uuid[6] = static_cast<uint8_t>((uuid[6] & 0x0F) | 0x80);
  uuid[8] = static_cast<uint8_t>((uuid[8] & 0x3F) | 0x80);
  return uuid;
}

// Steps of one sealing, in order.
class Sealer {
 public:
  Sealer(const TreeListing& listing, io::AtomicFile file, const std::string& output, const Progress& progress)
      : listing_(listing),
        file_(std::move(file)),
        output_(output),
        progress_(progress),
        uuid_(UuidOf(listing.digest)) {}

  Status WriteImage();
  Status AppendTree();
  Status CheckResult() const;
  Result<SealResult> Sign(format::Manifest manifest, const std::vector<crypto::Signer>& signers);

 private:
  // What is behind an image that is not what it should be. mkfs.erofs loses writes without a word: where the
  // file system is full, that is why.
  Status Explain(Status status) const;

  Result<std::shared_ptr<const io::RandomAccessFile>> OpenForReading() const {
    return io::PosixFile::Open(file_.temporary_path());
  }

  const TreeListing& listing_;
  io::AtomicFile file_;
  const std::string& output_;  // for messages
  const Progress& progress_;
  format::Uuid uuid_;
  uint64_t image_size_ = 0;
  uint64_t tree_size_ = 0;
  Digest root_hash_{};
};

Status Sealer::Explain(Status status) const {
  if (status) return status;
  const ErrorCode code = status.error().code();
  if (code == ErrorCode::kBusy || code == ErrorCode::kInterrupted) return status;
  if (IsFull(file_.temporary_path())) {
    return Fail(ErrorCode::kNoSpace, "{}: no room for the image of {}", output_, listing_.root);
  }
  if (code != ErrorCode::kCorrupt && code != ErrorCode::kUnsupported) return status;
  return Fail(ErrorCode::kFailed, "{}: mkfs.erofs wrote an image that cannot be read: {}", output_,
              status.error().message());
}

Status Sealer::WriteImage() {
  const StageProgress meter(progress_, "writing image", 0);
  VENEER_TRY(MakeImage(listing_, uuid_, file_.temporary_path(), output_));
  VENEER_ASSIGN(const auto file, OpenForReading());
  image_size_ = BlocksFor(file->size()) * kBlockSize;
  if (::ftruncate(file_.fd(), static_cast<off_t>(image_size_)) != 0) {
    return FailErrno(errno, output_);
  }
  const auto canonicalize = [&]() -> Status {
    VENEER_ASSIGN(const erofs::Image image,
                  erofs::Image::Open(std::make_shared<UnverifiedSource>(file, image_size_)));
    VENEER_ASSIGN(const std::vector<ImageName> names, ListImage(image));
    VENEER_TRY(CheckNames(listing_, names));
    return CanonicalizeImage(image, names, file_.fd(), output_);
  };
  return Explain(canonicalize());
}

Status Sealer::AppendTree() {
  StageProgress meter(progress_, "hashing", image_size_);
  VENEER_ASSIGN(const auto file, OpenForReading());
  VENEER_ASSIGN(const verity::Tree tree, verity::BuildTree(*file, image_size_, uuid_));
  root_hash_ = tree.root_hash;
  tree_size_ = tree.bytes.size();
  if (::lseek(file_.fd(), static_cast<off_t>(image_size_), SEEK_SET) < 0) {
    return FailErrno(errno, output_);
  }
  VENEER_TRY(file_.Write(tree.bytes));
  meter.Add(image_size_);
  return {};
}

Status Sealer::CheckResult() const {
  VENEER_ASSIGN(auto file, OpenForReading());
  const verity::Layout layout{image_size_, image_size_, tree_size_, root_hash_};
  VENEER_ASSIGN(std::shared_ptr<const verity::VerifiedReader> reader,
                verity::VerifiedReader::Open(std::move(file), layout,
                                             std::make_shared<verity::BlockCache>(kCheckCacheSize), 1));
  const auto image = erofs::Image::Open(reader);
  if (!image) return Explain(tl::unexpected<Error>(image.error()));
  return Explain(CheckImage(listing_, *image, progress_));
}

Result<SealResult> Sealer::Sign(format::Manifest manifest, const std::vector<crypto::Signer>& signers) {
  const StageProgress meter(progress_, "signing", 0);
  manifest.root_hash = root_hash_;
  manifest.image_size = manifest.tree_offset = image_size_;
  manifest.tree_size = tree_size_;
  const std::string text = format::WriteManifest(manifest);
  VENEER_ASSIGN(const Bytes der, signers.empty() ? crypto::CmsWrapUnsigned(AsBytes(text))
                                                 : crypto::CmsSign(AsBytes(text), signers));
  if (der.size() > format::kMaxCmsSize) {
    return Fail(ErrorCode::kUsage, "the signed manifest has {} bytes, more than the {} that a layer may have",
                der.size(), format::kMaxCmsSize);
  }
  const format::Trailer trailer{image_size_, image_size_, tree_size_, image_size_ + tree_size_, der.size()};
  VENEER_TRY(file_.Write(der));
  VENEER_TRY(file_.Write(format::EncodeTrailer(trailer)));
  VENEER_TRY(file_.Commit());
  return SealResult{ToHex(crypto::Sha256(AsBytes(text))), root_hash_, image_size_,
                    trailer.cms_offset + trailer.cms_size + sizeof(format::RawTrailer)};
}

}  // namespace

Result<SealResult> Seal(const std::string& tree, const std::string& output, format::Manifest manifest,
                        const std::vector<crypto::Signer>& signers, const Progress& progress) {
  VENEER_TRY(CheckManifest(manifest));
  VENEER_ASSIGN(const std::string path, ResolveOutput(tree, output));
  VENEER_ASSIGN(const TreeListing listing,
                ScanTree(tree, {manifest.kind == format::LayerKind::kPatch, progress}));
  VENEER_ASSIGN(io::AtomicFile file, io::AtomicFile::Create(path));
  Sealer sealer(listing, std::move(file), output, progress);
  VENEER_TRY(sealer.WriteImage());
  VENEER_TRY(sealer.AppendTree());
  VENEER_TRY(sealer.CheckResult());
  return sealer.Sign(std::move(manifest), signers);
}

}  // namespace veneer::layer
