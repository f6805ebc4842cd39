// Whether a chain has a revoked certificate.
#pragma once

#include <openssl/x509.h>

#include <vector>

#include "fs/base/error.h"
#include "fs/crypto/openssl_handles.h"

namespace veneer::crypto {

// That none of `lists` names a certificate of `chain` (the signer's first, each followed by its issuer).
//
// Every list of a certificate's issuer counts, an expired one and one that a newer follows too: authorities
// drop expired certificates from their lists, and a signer who was revoked once stays so. An issuer of whom
// there is no list is no error. A list counts for an issuer if it has its name and, where both have one, its
// key identifier; its signature must then be right. The last certificate's issuer is not in the chain unless
// it is its own: the owner who pinned it also put the list there, so its name alone is enough.
//
// kRevoked; kUntrusted for a list that counts but is not signed by the issuer.
Status CheckRevocation(STACK_OF(X509) * chain, const std::vector<X509CrlPtr>& lists);

}  // namespace veneer::crypto
