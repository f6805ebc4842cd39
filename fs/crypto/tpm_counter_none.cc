// In place of tpm_counter.cc where the TPM software stack was not there to build with.
#include "fs/crypto/monotonic_counter.h"

namespace veneer::crypto {

Result<std::unique_ptr<MonotonicCounter>> OpenTpmCounter(const TpmPolicy& /*policy*/) {
  return Fail(
      ErrorCode::kUnsupported,
      "policy.json asks for a TPM, and this program was built without; build it with libtss2-dev there");
}

}  // namespace veneer::crypto
