#include "fs/crypto/pem.h"

#include <openssl/pem.h>

#include <algorithm>

#include "fs/crypto/openssl_error.h"
#include "fs/io/file_ops.h"

namespace veneer::crypto {
namespace {

struct PemBlock {
  std::string label;  // such as "CERTIFICATE"
  bool headers;       // whether it has header lines, as an encrypted key has
  Bytes der;
};

// All the blocks of `bio`.
Result<std::vector<PemBlock>> ReadBlocks(BIO* bio, const std::string& path) {
  std::vector<PemBlock> blocks;
  for (;;) {
    char* label = nullptr;
    char* header = nullptr;
    unsigned char* data = nullptr;
    long size = 0;
    if (PEM_read_bio(bio, &label, &header, &data, &size) != 1) {
      if (ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE) return blocks;
      return Fail(ErrorCode::kCorrupt, "{}: not PEM: {}", path, TakeOpenSslReason());
    }
    blocks.push_back({label, *header != '\0', Bytes(data, data + size)});
    OPENSSL_free(label);
    OPENSSL_free(header);
    OPENSSL_free(data);
  }
}

// Lines of `text` that look like the begin or the end of a block.
size_t CountBoundaries(std::string_view text) {
  size_t count = 0;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    if (line.find("-----") != std::string_view::npos) ++count;
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  return count;
}

// Reads every block of the file `path` with `decode`, one of OpenSSL's d2i functions. Each must have `label`.
template <typename Pointer, typename Decode>
Result<std::vector<Pointer>> ReadObjects(const std::string& path, std::string_view label, Decode decode) {
  const ErrorScope scope;
  VENEER_ASSIGN(const Bytes text, io::ReadWholeFile(path, kMaxPemSize));
  const BioPtr bio = ReadingBio(text);
  VENEER_ASSIGN(const std::vector<PemBlock> blocks, ReadBlocks(bio.get(), path));
  if (blocks.empty()) return Fail(ErrorCode::kCorrupt, "{}: no PEM {} in it", path, label);
  // OpenSSL takes a block whose first line is damaged for text between blocks; here nothing gets lost.
  if (CountBoundaries(AsText(text)) != 2 * blocks.size()) {
    return Fail(ErrorCode::kCorrupt, "{}: a PEM block in it is damaged", path);
  }
  std::vector<Pointer> objects;
  for (const PemBlock& block : blocks) {
    if (block.label != label || block.headers) {
      return Fail(ErrorCode::kCorrupt, "{}: a PEM {} is in it, where only {} belongs", path, block.label,
                  label);
    }
    const unsigned char* at = block.der.data();
    Pointer object(decode(nullptr, &at, static_cast<long>(block.der.size())));
    if (!object) {
      return Fail(ErrorCode::kCorrupt, "{}: a {} in it cannot be read: {}", path, label, TakeOpenSslReason());
    }
    if (at != block.der.data() + block.der.size()) {
      return Fail(ErrorCode::kCorrupt, "{}: a {} in it has bytes behind its end", path, label);
    }
    objects.push_back(std::move(object));
  }
  return objects;
}

// OpenSSL asks this for the password of an encrypted key. There is none, and nobody to ask.
int NoPassword(char*, int, int, void*) {
  return -1;
}

}  // namespace

Result<std::vector<X509Ptr>> ReadPemCertificates(const std::string& path) {
  VENEER_ASSIGN(std::vector<X509Ptr> certificates, ReadObjects<X509Ptr>(path, "CERTIFICATE", d2i_X509));
  const ErrorScope scope;
  for (const X509Ptr& certificate : certificates) {
    // Decodes the extensions and the key now, so that threads find them ready and trouble shows here.
    if (X509_check_purpose(certificate.get(), -1, 0) != 1) {
      return Fail(ErrorCode::kCorrupt, "{}: a certificate in it has an extension that cannot be read", path);
    }
    if (X509_get0_pubkey(certificate.get()) == nullptr) {
      return Fail(ErrorCode::kCorrupt, "{}: a certificate in it has a key that cannot be read: {}", path,
                  TakeOpenSslReason());
    }
  }
  return certificates;
}

Result<std::vector<X509CrlPtr>> ReadPemRevocationLists(const std::string& path) {
  return ReadObjects<X509CrlPtr>(path, "X509 CRL", d2i_X509_CRL);
}

Result<PkeyPtr> ReadPemPrivateKey(const std::string& path) {
  const ErrorScope scope;
  VENEER_ASSIGN(Bytes text, io::ReadWholeFile(path, kMaxPemSize));
  const BioPtr bio = ReadingBio(text);
  PkeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassword, nullptr));
  const bool encrypted = AsText(text).find("ENCRYPTED") != std::string_view::npos;
  OPENSSL_cleanse(text.data(), text.size());
  if (key) return key;
  if (encrypted) return Fail(ErrorCode::kCorrupt, "{}: the key in it is encrypted; decrypt it first", path);
  return Fail(ErrorCode::kCorrupt, "{}: no PEM private key in it: {}", path, TakeOpenSslReason());
}

}  // namespace veneer::crypto
