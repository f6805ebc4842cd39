#include "tools/layer_file.h"

#include <fcntl.h>

#include <cerrno>

#include "fs/catalog/store.h"

namespace veneer::tools {

Result<std::shared_ptr<const io::PosixFile>> OpenLayerFile(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd) return FailErrno(errno, path);
  return io::PosixFile::FromFd(std::move(fd), path);
}

Result<std::shared_ptr<const crypto::TrustStore>> FindTrust(const Globals& globals) {
  if (!globals.trust.empty()) return crypto::TrustStore::Load(globals.trust);
  const Result<catalog::Store> store = catalog::Store::Open(globals.store);
  if (store) return store->LoadTrust();
  if (store.error().code() == ErrorCode::kNotFound) return nullptr;
  return tl::unexpected(store.error());
}

Result<JudgedManifest> JudgeLayerFile(const io::RandomAccessFile& file, const crypto::TrustStore* trust,
                                      int64_t now) {
  JudgedManifest judged;
  if (trust != nullptr) {
    auto believed = layer::ReadSignedManifest(file, *trust, crypto::TimeCheck::At(now));
    if (!believed) judged.refusal = std::move(believed).error();
    if (judged.refusal && judged.refusal->code() == ErrorCode::kExpired) {
      believed = layer::ReadSignedManifest(file, *trust, crypto::TimeCheck::None());
    }
    if (believed) {
      judged.claim = std::move(*believed);
      judged.authentic = true;
      return judged;
    }
    if (!IsRefusal(judged.refusal->code())) return tl::unexpected(*judged.refusal);
  }
  auto claim = layer::ReadUnverifiedManifest(file);
  if (!claim) return tl::unexpected(judged.refusal.value_or(claim.error()));
  judged.claim = std::move(*claim);
  return judged;
}

}  // namespace veneer::tools
