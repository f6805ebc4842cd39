// A layer file that the user names: opened, and judged by the trust that there is.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "fs/base/error.h"
#include "fs/crypto/trust_store.h"
#include "fs/io/random_access_file.h"
#include "fs/layer/layer.h"
#include "tools/command.h"

namespace veneer::tools {

// Opens `path`, through symbolic links if there are any. The errors of PosixFile.
Result<std::shared_ptr<const io::PosixFile>> OpenLayerFile(const std::string& path);

// The trust folder that `globals` name, or else the store's; null if there is no store. The errors of
// TrustStore::Load and Store::Open.
Result<std::shared_ptr<const crypto::TrustStore>> FindTrust(const Globals& globals);

// What a layer file claims, and whether to believe it.
struct JudgedManifest {
  layer::SignedManifest claim;
  bool authentic = false;        // the signature holds, validity in time aside
  std::optional<Error> refusal;  // why it is refused; none as well where there is no trust to judge it by

  bool trusted() const { return authentic && !refusal; }
};

// Reads the signed part of `file` and judges it by `trust` at `now` (seconds since 1970), or does not judge
// it where `trust` is null. A file that is signed but refused is an answer; one of which nothing can be shown
// is an error (kCorrupt, kUnsupported, kUnsupportedSchema, kIo).
Result<JudgedManifest> JudgeLayerFile(const io::RandomAccessFile& file, const crypto::TrustStore* trust,
                                      int64_t now);

}  // namespace veneer::tools
