// The system as RocksDB is given it for writing.
#pragma once

#include <rocksdb/env.h>

#include <memory>

namespace veneer::catalog {

// For one opening of a catalog. `base` is what it stands on, nullptr for RocksDB's own; it outlives the
// object, and the object the database. Beside what `base` does:
//
// Before anything gets the name CURRENT its folder is synced. RocksDB makes MANIFEST-n, gives CURRENT, which
// names it, its name by a rename, and syncs the folder once for both. Until then a power cut may take either
// name and leave the other, and a CURRENT that names what is gone is no catalog.
std::unique_ptr<rocksdb::Env> NewWritingEnv(rocksdb::Env* base);

}  // namespace veneer::catalog
