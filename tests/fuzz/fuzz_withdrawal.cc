// Any bytes are safe as a withdrawal, and what is accepted names one layer and says the same when it is
// written again.

#include "fs/base/bytes.h"
#include "fs/format/manifest.h"
#include "fs/format/withdrawal.h"
#include "tests/fuzz/require.h"

using namespace veneer;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto withdrawal = format::ParseWithdrawal({data, size});
  if (!withdrawal) {
    const ErrorCode code = withdrawal.error().code();
    Require(code == ErrorCode::kCorrupt || code == ErrorCode::kUnsupportedSchema);
    return 0;
  }
  // The id becomes a file name in the store.
  Require(withdrawal->layer.size() == 64 &&
          withdrawal->layer.find_first_not_of("0123456789abcdef") == std::string::npos);
  Require(format::IsComponentName(withdrawal->component) && withdrawal->sequence > 0);
  Require(!withdrawal->reason.empty() && withdrawal->reason.find('\n') == std::string::npos);
  const std::string text = format::WriteWithdrawal(*withdrawal);
  const auto again = format::ParseWithdrawal(AsBytes(text));
  Require(again && format::WriteWithdrawal(*again) == text);
  return 0;
}
