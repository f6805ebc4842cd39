#include "fs/crypto/trust_store.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "fs/crypto/openssl_error.h"
#include "fs/crypto/pem.h"
#include "fs/crypto/policy.h"
#include "fs/crypto/trust_certificates.h"
#include "fs/io/file_ops.h"

namespace veneer::crypto {
namespace {

constexpr std::array kRoles = {Role::kBase, Role::kPatch, Role::kFeed};

// The files of the folder `path` in the order of their names; none where there is no such folder. Names that
// begin with a dot are passed over. kCorrupt for any other that does not end in ".pem": a revocation list
// that is overlooked for its name would be worse than a store that is refused.
Result<std::vector<std::string>> PemFilesOf(const std::string& path) {
  std::vector<std::string> files;
  std::error_code error;
  if (!std::filesystem::exists(std::filesystem::symlink_status(path, error))) return files;
  std::filesystem::directory_iterator entries(path, error);
  if (error == std::errc::not_a_directory) return Fail(ErrorCode::kCorrupt, "{}: is not a folder", path);
  for (; !error && entries != std::filesystem::directory_iterator(); entries.increment(error)) {
    const std::filesystem::path& file = entries->path();
    if (file.filename().native().front() == '.') continue;
    if (file.extension() != ".pem") {
      return Fail(ErrorCode::kCorrupt, "{}: only files named *.pem belong here", file.native());
    }
    files.push_back(file.native());
  }
  if (error) return FailErrno(error.value(), path);
  std::sort(files.begin(), files.end());
  return files;
}

Result<RoleAnchors> LoadAnchors(const std::string& path) {
  RoleAnchors anchors;
  VENEER_ASSIGN(const std::vector<std::string> files, PemFilesOf(path));
  for (const std::string& file : files) {
    VENEER_ASSIGN(std::vector<X509Ptr> certificates, ReadPemCertificates(file));
    std::move(certificates.begin(), certificates.end(), std::back_inserter(anchors.certificates));
  }
  const ErrorScope scope;
  anchors.store.reset(X509_STORE_new());
  if (!anchors.store) return Fail(ErrorCode::kFailed, "{}: {}", path, TakeOpenSslReason());
  for (const X509Ptr& certificate : anchors.certificates) {
    if (X509_STORE_add_cert(anchors.store.get(), certificate.get()) != 1) {
      return Fail(ErrorCode::kFailed, "{}: {}", path, TakeOpenSslReason());
    }
  }
  return anchors;
}

Result<std::vector<X509CrlPtr>> LoadRevocationLists(const std::string& path) {
  std::vector<X509CrlPtr> all;
  VENEER_ASSIGN(const std::vector<std::string> files, PemFilesOf(path));
  for (const std::string& file : files) {
    VENEER_ASSIGN(std::vector<X509CrlPtr> lists, ReadPemRevocationLists(file));
    std::move(lists.begin(), lists.end(), std::back_inserter(all));
  }
  return all;
}

Result<Policy> LoadPolicy(const std::string& path) {
  const Result<Bytes> text = io::ReadWholeFile(path, kMaxPolicySize);
  if (!text && text.error().code() == ErrorCode::kNotFound) return Policy{};
  if (!text) return tl::unexpected<Error>(text.error());
  Result<Policy> policy = ParsePolicy(*text);
  if (!policy) return tl::unexpected<Error>(policy.error().Within(path));
  return policy;
}

}  // namespace

std::string_view RoleWord(Role role) {
  switch (role) {
    case Role::kBase:
      return "base";
    case Role::kPatch:
      return "patch";
    case Role::kFeed:
      return "feed";
  }
  return "base";
}

TrustStore::TrustStore() : certificates_(std::make_unique<Certificates>()) {}
TrustStore::~TrustStore() = default;

const Policy& TrustStore::policy() const {
  return certificates_->policy;
}

const std::string& TrustStore::path() const {
  return certificates_->path;
}

Result<std::shared_ptr<TrustStore>> TrustStore::LoadAnchorsAndPolicy(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_directory(path, error)) {
    return Fail(ErrorCode::kNotFound, "{}: no trust store here: not a folder", path);
  }
  std::shared_ptr<TrustStore> trust(new TrustStore());
  Certificates& loaded = *trust->certificates_;
  loaded.path = path;
  for (const Role role : kRoles) {
    VENEER_ASSIGN(loaded.roles.at(static_cast<size_t>(role)),
                  LoadAnchors(fmt::format("{}/{}.d", path, RoleWord(role))));
  }
  VENEER_ASSIGN(loaded.policy, LoadPolicy(path + "/policy.json"));
  return trust;
}

Result<std::shared_ptr<const TrustStore>> TrustStore::Load(const std::string& path) {
  VENEER_ASSIGN(const std::shared_ptr<TrustStore> trust, LoadAnchorsAndPolicy(path));
  VENEER_ASSIGN(trust->certificates_->revocation_lists, LoadRevocationLists(path + "/crl.d"));
  return trust;
}

Result<std::shared_ptr<const TrustStore>> TrustStore::LoadWithoutRevocation(const std::string& path) {
  VENEER_ASSIGN(std::shared_ptr<TrustStore> trust, LoadAnchorsAndPolicy(path));
  return trust;
}

}  // namespace veneer::crypto
