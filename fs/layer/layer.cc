#include "fs/layer/layer.h"

#include "fs/crypto/sha256.h"

namespace veneer::layer {
namespace {

using crypto::Role;

struct CmsPart {
  format::Trailer trailer;
  Bytes der;
};

tl::unexpected<Error> FailIn(const io::RandomAccessFile& file, const Error& error) {
  return tl::unexpected<Error>(error.Within(file.name()));
}

Result<CmsPart> ReadCms(const io::RandomAccessFile& file) {
  std::array<uint8_t, sizeof(format::RawTrailer)> bytes{};
  if (file.size() < bytes.size()) {
    return Fail(ErrorCode::kCorrupt, "{}: {} bytes are too short for a layer", file.name(), file.size());
  }
  VENEER_TRY(file.ReadExact(file.size() - bytes.size(), bytes));
  const auto trailer = format::DecodeTrailer(bytes, file.size());
  if (!trailer) return FailIn(file, trailer.error());
  CmsPart part{*trailer, Bytes(trailer->cms_size)};
  VENEER_TRY(file.ReadExact(part.trailer.cms_offset, part.der));
  return part;
}

// What the signed content of `cms` says.
Result<SignedManifest> Interpret(Bytes cms, crypto::CmsContent content) {
  SignedManifest result;
  VENEER_ASSIGN(result.manifest, format::ParseManifest(content.content));
  result.id = ToHex(crypto::Sha256(content.content));
  result.text = AsText(content.content);
  result.signers = std::move(content.signers);
  result.cms = std::move(cms);
  return result;
}

// `read`, from `part` of `file`, if it says the same of where things are as the trailer.
Result<SignedManifest> Placed(const io::RandomAccessFile& file, const CmsPart& part,
                              Result<SignedManifest> read) {
  if (!read) return FailIn(file, read.error());
  if (read->manifest.image_size != part.trailer.image_size ||
      read->manifest.tree_offset != part.trailer.tree_offset ||
      read->manifest.tree_size != part.trailer.tree_size) {
    return Fail(ErrorCode::kCorrupt, "{}: trailer and signed manifest disagree on where image and tree are",
                file.name());
  }
  return read;
}

Role RoleFor(format::LayerKind kind) {
  return kind == format::LayerKind::kBase ? Role::kBase : Role::kPatch;
}

// The manifest verified for `role`; nothing if it is signed for it well and is of the other kind.
Result<std::optional<SignedManifest>> VerifyFor(Role role, const Bytes& cms, const crypto::TrustStore& trust,
                                                crypto::TimeCheck time) {
  VENEER_ASSIGN(crypto::CmsContent content, crypto::CmsVerify(cms, trust, role, time));
  VENEER_ASSIGN(SignedManifest result, Interpret(cms, std::move(content)));
  if (RoleFor(result.manifest.kind) != role) return std::optional<SignedManifest>();
  return std::optional<SignedManifest>(std::move(result));
}

// Why neither role accepts a layer.
Error RefusalOf(const Error& as_base, const Error& as_patch) {
  // The role that knows the signer has more to say than the one that does not.
  if (as_base.code() != ErrorCode::kUntrusted) return as_base;
  if (as_patch.code() != ErrorCode::kUntrusted) return as_patch;
  return Error(ErrorCode::kUntrusted, fmt::format("{}; {}", as_base.message(), as_patch.message()));
}

}  // namespace

Result<SignedManifest> VerifySignedManifest(const Bytes& cms, const crypto::TrustStore& trust,
                                            crypto::TimeCheck time) {
  // Which role has to have signed stands in the manifest, and the manifest is not looked at before somebody
  // with a role has signed it: so each role is tried, and must then be the one that the manifest asks for.
  auto base = VerifyFor(Role::kBase, cms, trust, time);
  if (base && *base) return std::move(**base);
  auto patch = VerifyFor(Role::kPatch, cms, trust, time);
  if (patch && *patch) return std::move(**patch);
  // A role whose signer is fine found the other kind of layer: then the other role's refusal is the reason.
  if (base) return tl::unexpected<Error>(patch.error());
  if (patch) return tl::unexpected<Error>(base.error());
  return tl::unexpected<Error>(RefusalOf(base.error(), patch.error()));
}

Result<SignedManifest> ReadSignedManifest(const io::RandomAccessFile& file, const crypto::TrustStore& trust,
                                          crypto::TimeCheck time) {
  VENEER_ASSIGN(const CmsPart part, ReadCms(file));
  return Placed(file, part, VerifySignedManifest(part.der, trust, time));
}

Result<SignedManifest> ReadUnverifiedManifest(const io::RandomAccessFile& file) {
  VENEER_ASSIGN(const CmsPart part, ReadCms(file));
  auto content = crypto::CmsShowUnverified(part.der);
  if (!content) return FailIn(file, content.error());
  return Placed(file, part, Interpret(part.der, std::move(*content)));
}

Result<std::shared_ptr<const Layer>> Layer::Open(std::shared_ptr<const io::RandomAccessFile> file,
                                                 const crypto::TrustStore& trust, crypto::TimeCheck time,
                                                 std::shared_ptr<verity::BlockCache> cache, uint16_t slot) {
  VENEER_ASSIGN(SignedManifest signed_manifest, ReadSignedManifest(*file, trust, time));
  return OpenVerified(std::move(file), std::move(signed_manifest), std::move(cache), slot);
}

Result<std::shared_ptr<const Layer>> Layer::OpenUnverified(std::shared_ptr<const io::RandomAccessFile> file,
                                                           std::shared_ptr<verity::BlockCache> cache,
                                                           uint16_t slot) {
  VENEER_ASSIGN(SignedManifest claimed, ReadUnverifiedManifest(*file));
  return OpenVerified(std::move(file), std::move(claimed), std::move(cache), slot);
}

Result<std::unique_ptr<verity::VerifiedReader>> OpenReader(std::shared_ptr<const io::RandomAccessFile> file,
                                                           const format::Manifest& verified,
                                                           std::shared_ptr<verity::BlockCache> cache,
                                                           uint16_t slot) {
  auto reader = verity::VerifiedReader::Open(std::move(file), LayoutOf(verified), std::move(cache), slot);
  if (!reader && reader.error().code() == ErrorCode::kUnsupported) {
    // The signed manifest says which kind of tree there is: a superblock that says otherwise was changed.
    return Fail(ErrorCode::kCorrupt, "{}", reader.error().message());
  }
  return reader;
}

Result<std::shared_ptr<const Layer>> Layer::OpenVerified(std::shared_ptr<const io::RandomAccessFile> file,
                                                         SignedManifest signed_manifest,
                                                         std::shared_ptr<verity::BlockCache> cache,
                                                         uint16_t slot) {
  VENEER_ASSIGN(auto reader, OpenReader(file, signed_manifest.manifest, std::move(cache), slot));
  std::shared_ptr<Layer> layer(new Layer(std::move(signed_manifest), slot));
  layer->reader_ = std::move(reader);
  auto image = erofs::Image::Open(layer->reader_);
  if (!image) return FailIn(*file, image.error());
  layer->image_ = std::make_unique<const erofs::Image>(std::move(*image));
  return std::shared_ptr<const Layer>(std::move(layer));
}

}  // namespace veneer::layer
