// The one place where RocksDB's words become ours.
#pragma once

#include <rocksdb/io_status.h>
#include <rocksdb/status.h>

#include <string>

#include "fs/base/error.h"

namespace veneer::catalog {

// `status`, which is not OK, about the catalog in the folder `path`. kDamaged (with kRepairCatalog),
// kNoSpace, kUnsupported, kIo; kFailed for what should not happen.
Error FromRocks(const rocksdb::Status& status, const std::string& path);

// Whether opening failed because another process, or another object of this one, holds the lock.
bool LockIsHeld(const rocksdb::Status& status);

// What is answered where the lock `file` was had, and is not that of the catalog any more: LockIsHeld is true
// of it.
rocksdb::IOStatus LockOfAnother(const std::string& file);

}  // namespace veneer::catalog
