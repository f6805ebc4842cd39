// A CMS message taken apart, with nothing believed of it yet.
#pragma once

#include <vector>

#include "fs/base/bytes.h"
#include "fs/base/error.h"
#include "fs/crypto/openssl_handles.h"

namespace veneer::crypto {

// What a message is read up to at all; the rest is kCorrupt. Work and memory stay in proportion to the size.
inline constexpr size_t kMaxCmsMessageSize = 16 << 20;  // bytes
inline constexpr int kMaxCmsSigners = 16;
inline constexpr int kMaxCmsCertificates = 64;
inline constexpr int kMaxCmsDigests = 16;

struct CmsMessage {
  CmsPtr cms;
  std::vector<CMS_SignerInfo*> signers;  // of `cms`
  X509StackPtr certificates;             // that the message carries; never null
};

// Takes `der` apart. kCorrupt if it is not exactly one ContentInfo with SignedData in it, in DER's definite
// lengths and with nothing behind it, whose content is there and of the type data, or if it is over a limit.
Result<CmsMessage> ParseCms(ByteSpan der);

// The content of `message`, which belongs to it.
ByteSpan ContentOf(const CmsMessage& message);

}  // namespace veneer::crypto
