// Through what a store is changed.
#pragma once

#include "fs/io/disk.h"

namespace rocksdb {
class Env;
}

namespace veneer::catalog {

// The system, unless a test stands in between: one way to the store's own files, one to those of its catalog.
// Neither is owned; both outlive what was opened with them.
struct Medium {
  io::Disk* disk = &io::SystemDisk();
  rocksdb::Env* env = nullptr;  // nullptr: RocksDB's own
};

}  // namespace veneer::catalog
