// The system as RocksDB is given it for writing.
#pragma once

#include <rocksdb/env.h>

#include <memory>
#include <string>

namespace veneer::catalog {

// For one opening of the catalog in the folder `path`, which is there. `base` is what it stands on, nullptr
// for RocksDB's own; it outlives the object, and the object the database. Beside what `base` does:
//
// Before anything gets the name CURRENT its folder is synced. RocksDB makes MANIFEST-n, gives CURRENT, which
// names it, its name by a rename, and syncs the folder once for both. Until then a power cut may take either
// name and leave the other, and a CURRENT that names what is gone is no catalog.
//
// The lock counts only while `path` is still the folder that it was when the object was made: one that
// `repair-catalog` put another in the place of is nobody's to write to, whoever has its lock, and the new one
// has a lock of its own. It is then as if somebody else had it (LockIsHeld).
std::unique_ptr<rocksdb::Env> NewWritingEnv(rocksdb::Env* base, const std::string& path);

}  // namespace veneer::catalog
