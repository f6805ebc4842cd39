// Any bytes are safe as a CMS message, and none is believed but what the trusted keys signed.
//
// The folder cms_trust/ trusts one CA for the role patch, and asks for one signer. What that CA's signers
// ever signed is the one text below, in the seeds; their keys are kept nowhere. So whatever else is accepted
// is a forgery.

#include "fs/base/bytes.h"
#include "fs/crypto/cms.h"
#include "tests/fuzz/require.h"

using namespace veneer;

namespace {

constexpr std::string_view kSigned = "what was signed\n";
constexpr int64_t kWithinValidity = 1798761600;  // 2027-01-01

const crypto::TrustStore& Trust() {
  static const auto trust = crypto::TrustStore::Load(VENEER_FUZZ_TRUST);
  Require(trust.has_value());
  return **trust;
}

// An error may only say that the message is bad.
bool Good(const Result<crypto::CmsContent>& result) {
  Require(result || IsRefusal(result.error().code()));
  return result.has_value();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteSpan der(data, size);
  const auto shown = crypto::CmsShowUnverified(der);
  const auto checked = crypto::CmsCheckSignatures(der);
  if (Good(checked)) Require(Good(shown) && shown->content == checked->content && !checked->signers.empty());
  for (const auto time : {crypto::TimeCheck::None(), crypto::TimeCheck::At(kWithinValidity)}) {
    Require(!Good(crypto::CmsVerify(der, Trust(), crypto::Role::kFeed, time)));
    const auto verified = crypto::CmsVerify(der, Trust(), crypto::Role::kPatch, time);
    if (!Good(verified)) continue;
    Require(AsText(verified->content) == kSigned && !verified->signers.empty());
    Require(Good(checked) && checked->content == verified->content);
  }
  return 0;
}
