// What RocksDB's recovery cannot tell: a commit that was lost from a log's end, which a power cut may do,
// from one in a log's middle, which is damage.
#pragma once

#include <string>

#include "fs/base/bytes.h"
#include "fs/base/error.h"

namespace veneer::catalog {

// Whether `log`, the content of a log file of RocksDB's, has something that is no record, and behind it the
// beginning of another batch. Each batch is on the disk before the next one is written, so that no power cut
// can leave this. The format: https://github.com/facebook/rocksdb/wiki/Write-Ahead-Log-File-Format (records
// of the kinds that our options write).
bool IsDamagedInside(ByteSpan log);

// Looks at all logs of the catalog in the folder `path`, which somebody may be writing to. kDamaged: one is
// damaged inside; RocksDB would pass over all commits from there on and say nothing. kIo.
Status CheckLogs(const std::string& path);

}  // namespace veneer::catalog
