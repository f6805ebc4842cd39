// A development CA and one signer below it.
#pragma once

#include <string>

#include "fs/base/error.h"

namespace veneer::crypto {

// Writes ca.pem, ca.key, signer.pem and signer.key (ECDSA P-256; the keys with mode 0600) into the folder
// `path`, which is made if it is not there. `common_name` names the signer; the CA is "COMMON_NAME CA".
// Certificates begin one day before `now` (seconds since 1970) and last ten years. kExists if any of the
// files is there: nothing is overwritten. kUsage if the name does not suit a certificate: empty, not UTF-8 or
// longer than 61 characters. kIo, kNoSpace. After an error none of the files is there that was not before.
Status GenerateDevelopmentKeys(const std::string& path, const std::string& common_name, int64_t now);

}  // namespace veneer::crypto
