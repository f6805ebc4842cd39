// What RocksDB leaves to whoever opens a catalog: what its files are at all; and of its log, a commit that
// was lost from the end, which a power cut may do, from one in the middle, which is damage.
#pragma once

#include <string>

#include "fs/base/error.h"
#include "fs/io/random_access_file.h"

namespace veneer::catalog {

// A longer log is none of ours: what a commit holds goes to tables before it comes to this, in bytes.
inline constexpr uint64_t kMaxLogSize = 1 << 30;

// Whether `log`, a log file of RocksDB's, has something that is no record, and behind it the beginning of
// another batch. Each batch is on the disk before the next one is written, so that no power cut can leave
// this. Also for a log that none of ours can be: too long, or with so much that nearly is a record that
// telling would take long. The format: https://github.com/facebook/rocksdb/wiki/Write-Ahead-Log-File-Format
// (records of the kinds that our options write). Takes memory for 32 KiB. The errors of reading.
Result<bool> IsDamagedInside(const io::RandomAccessFile& log);

// Looks at all logs of the catalog in the folder `path`, which somebody may be writing to. kDamaged: one is
// damaged inside; RocksDB would pass over all commits from there on and say nothing. kIo.
Status CheckLogs(const std::string& path);

// That all in the folder `path` is a regular file, and what RocksDB reads from end to end no longer than a
// log, so that reading none of it can last for ever or lead elsewhere. kDamaged; kIo.
Status CheckFiles(const std::string& path);

}  // namespace veneer::catalog
