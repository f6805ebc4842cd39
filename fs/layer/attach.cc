#include "fs/layer/attach.h"

#include <sys/stat.h>

#include "fs/format/trailer.h"
#include "fs/io/file_ops.h"
#include "fs/layer/layer.h"

namespace veneer::layer {

Result<AttachResult> AttachSignature(const io::PosixFile& file, ByteSpan der, const std::string& output) {
  VENEER_ASSIGN(SignedManifest present, ReadUnverifiedManifest(file));
  VENEER_ASSIGN(crypto::CmsContent message, crypto::CmsCheckSignatures(der));
  if (AsText(message.content) != present.text) {
    return Fail(ErrorCode::kCorrupt, "signature: is not over the manifest of {}", file.name());
  }
  if (der.size() > format::kMaxCmsSize) {
    return Fail(ErrorCode::kCorrupt, "signature: has {} bytes, more than the {} that a layer may have",
                der.size(), format::kMaxCmsSize);
  }
  struct stat st {};
  if (::lstat(output.c_str(), &st) == 0) return Fail(ErrorCode::kExists, "{}: is there already", output);
  const format::Manifest& manifest = present.manifest;
  const uint64_t content = manifest.tree_offset + manifest.tree_size;
  VENEER_ASSIGN(io::AtomicFile signed_file, io::AtomicFile::Create(output));
  VENEER_TRY(io::CopyRange(file.fd(), 0, content, signed_file.fd(), file.name()));
  VENEER_TRY(signed_file.Write(der));
  VENEER_TRY(signed_file.Write(format::EncodeTrailer(
      {manifest.image_size, manifest.tree_offset, manifest.tree_size, content, der.size()})));
  VENEER_TRY(signed_file.Commit());
  return AttachResult{std::move(present.id), std::move(message.signers)};
}

}  // namespace veneer::layer
