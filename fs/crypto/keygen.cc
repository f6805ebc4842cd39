#include "fs/crypto/keygen.h"

#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <vector>

#include "fs/base/unique_fd.h"
#include "fs/crypto/issue.h"
#include "fs/crypto/openssl_error.h"
#include "fs/crypto/openssl_handles.h"
#include "fs/io/file_ops.h"

namespace veneer::crypto {
namespace {

constexpr int64_t kSecondsPerDay = 86400;
constexpr int64_t kValidity = 3653 * kSecondsPerDay;  // ten years

constexpr std::array kCaExtensions = {
    Extension{NID_basic_constraints, "critical,CA:TRUE"},
    Extension{NID_key_usage, "critical,keyCertSign,cRLSign"},
    Extension{NID_subject_key_identifier, "hash"},
};
constexpr std::array kSignerExtensions = {
    Extension{NID_basic_constraints, "critical,CA:FALSE"},
    Extension{NID_key_usage, "critical,digitalSignature"},
    Extension{NID_ext_key_usage, "codeSigning"},
    Extension{NID_subject_key_identifier, "hash"},
    Extension{NID_authority_key_identifier, "keyid:always"},
};

Result<Bytes> CertificatePem(X509* certificate) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (!bio || PEM_write_bio_X509(bio.get(), certificate) != 1) {
    return Fail(ErrorCode::kFailed, "certificate: {}", TakeOpenSslReason());
  }
  const ByteSpan pem = WrittenBytes(bio.get());
  return Bytes(pem.begin(), pem.end());
}

Result<Bytes> KeyPem(EVP_PKEY* key) {
  const BioPtr bio(BIO_new(BIO_s_secmem()));
  if (!bio || PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return Fail(ErrorCode::kFailed, "private key: {}", TakeOpenSslReason());
  }
  const ByteSpan pem = WrittenBytes(bio.get());
  return Bytes(pem.begin(), pem.end());
}

// EVP_EC_gen is a macro that casts a const away, which not every compiler lets pass.
EVP_PKEY* NewEcKey() {
  return EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256");
}

struct NewFile {
  const char* name;
  unsigned mode;
  Bytes bytes;
};

Result<std::vector<NewFile>> MakeFiles(const std::string& common_name, int64_t now) {
  const ErrorScope scope;
  const PkeyPtr ca_key(NewEcKey());
  const PkeyPtr signer_key(NewEcKey());
  if (!ca_key || !signer_key) return Fail(ErrorCode::kFailed, "key: {}", TakeOpenSslReason());
  const Validity validity{now - kSecondsPerDay, now - kSecondsPerDay + kValidity};
  VENEER_ASSIGN(const X509Ptr ca,
                IssueCertificate(common_name + " CA", ca_key.get(), nullptr, kCaExtensions, validity));
  const Authority authority{ca.get(), ca_key.get()};
  VENEER_ASSIGN(const X509Ptr signer,
                IssueCertificate(common_name, signer_key.get(), &authority, kSignerExtensions, validity));
  VENEER_ASSIGN(Bytes ca_pem, CertificatePem(ca.get()));
  VENEER_ASSIGN(Bytes ca_key_pem, KeyPem(ca_key.get()));
  VENEER_ASSIGN(Bytes signer_pem, CertificatePem(signer.get()));
  VENEER_ASSIGN(Bytes signer_key_pem, KeyPem(signer_key.get()));
  std::vector<NewFile> files;
  files.push_back({"ca.key", 0600, std::move(ca_key_pem)});
  files.push_back({"ca.pem", 0644, std::move(ca_pem)});
  files.push_back({"signer.key", 0600, std::move(signer_key_pem)});
  files.push_back({"signer.pem", 0644, std::move(signer_pem)});
  return files;
}

// Files made one by one, each of which must not be there yet; gone again unless all of them are kept.
class NewFiles {
 public:
  NewFiles() = default;
  NewFiles(const NewFiles&) = delete;
  NewFiles& operator=(const NewFiles&) = delete;
  ~NewFiles() {
    for (const std::string& path : paths_) ::unlink(path.c_str());
  }

  Status Write(const std::string& path, const NewFile& file) {
    const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, file.mode));
    if (!fd) return FailErrno(errno, path);
    paths_.push_back(path);
    VENEER_TRY(io::WriteAll(fd.get(), file.bytes, path));
    if (::fsync(fd.get()) != 0) return FailErrno(errno, fmt::format("{}: syncing", path));
    return {};
  }

  void Keep() { paths_.clear(); }

 private:
  std::vector<std::string> paths_;
};

Status WriteFiles(const std::string& path, const std::vector<NewFile>& files) {
  NewFiles written;
  for (const NewFile& file : files) {
    VENEER_TRY(written.Write(path + "/" + file.name, file));
  }
  VENEER_TRY(io::SyncFolder(path));
  written.Keep();
  return {};
}

}  // namespace

Status GenerateDevelopmentKeys(const std::string& path, const std::string& common_name, int64_t now) {
  VENEER_ASSIGN(const std::vector<NewFile> files, MakeFiles(common_name, now));
  const bool is_new = ::access(path.c_str(), F_OK) != 0;
  VENEER_TRY(io::MakeFolders(path));
  Status written = WriteFiles(path, files);
  if (!written && is_new) ::rmdir(path.c_str());
  return written;
}

}  // namespace veneer::crypto
