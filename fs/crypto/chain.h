// Whether a certificate may sign for a role: its chain, purpose, algorithms, time and revocation.
#pragma once

#include <openssl/x509.h>

#include "fs/crypto/cms.h"
#include "fs/crypto/trust_certificates.h"

namespace veneer::crypto {

// Verifies that `signer` chains to a trust anchor of `role`, perhaps through some of `helpers`, which nothing
// is believed of. RFC 5280, as X509_verify_cert has it with X509_V_FLAG_X509_STRICT; any certificate among
// the anchors ends a chain, self-signed or not. kUntrusted, kExpired, kRevoked as CmsVerify says.
Status VerifyChain(X509* signer, STACK_OF(X509) * helpers, const TrustStore::Certificates& trust, Role role,
                   TimeCheck time);

}  // namespace veneer::crypto
