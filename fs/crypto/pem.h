// Reading PEM (RFC 7468) so that nothing in a file is passed over: a block that cannot be read is an error
// and not a block that is not there.
#pragma once

#include <string>
#include <vector>

#include "fs/base/bytes.h"
#include "fs/base/error.h"
#include "fs/crypto/openssl_handles.h"

namespace veneer::crypto {

// The largest PEM file that is read, in bytes. A revocation list of 100,000 entries has about 6 MB.
inline constexpr uint64_t kMaxPemSize = 16 << 20;

// The certificates of the file `path`, one at least, in their order. Text between the blocks is allowed.
// kNotFound; kCorrupt if a block is not a certificate or cannot be read, or there is none; kIo.
Result<std::vector<X509Ptr>> ReadPemCertificates(const std::string& path);

// Likewise its revocation lists.
Result<std::vector<X509CrlPtr>> ReadPemRevocationLists(const std::string& path);

// The private key of the file `path`. kNotFound; kCorrupt if there is none that can be read without a
// password; kIo.
Result<PkeyPtr> ReadPemPrivateKey(const std::string& path);

// Whether `name` is a URI rather than a path: it has a scheme, and there is no file of that name.
bool IsKeyUri(const std::string& name);

// The private key that OpenSSL's STORE has at `uri`. As ReadPemPrivateKey; kNotFound too where no loader
// knows the scheme.
Result<PkeyPtr> ReadStorePrivateKey(const std::string& uri);

}  // namespace veneer::crypto
