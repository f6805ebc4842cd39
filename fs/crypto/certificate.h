// What a certificate says, for people and for counting signers.
#pragma once

#include <openssl/x509.h>

#include <string>

#include "fs/crypto/cms.h"

namespace veneer::crypto {

// `name` as RFC 2253 writes it; control characters and what is not ASCII come as escapes, so that any name is
// safe to show.
std::string NameText(const X509_NAME* name);

// The subject of `certificate` for a message: as NameText, cut where it is very long.
std::string SubjectOf(const X509* certificate);

// `number` as lower-case hexadecimal.
std::string SerialText(const ASN1_INTEGER* number);

SignerDescription Describe(const X509* certificate);

// Whether whoever holds the private key of one also holds that of the other. Two encodings of one key
// (RSA as rsaEncryption and as RSASSA-PSS, a compressed and an uncompressed point) are the same. A key that
// is null is like no other.
bool SameKey(const EVP_PKEY* a, const EVP_PKEY* b);

}  // namespace veneer::crypto
