// How RocksDB is set up: a small database, opened for the length of one command.
#pragma once

#include <rocksdb/db.h>

#include <cstddef>
#include <vector>

namespace veneer::catalog {

enum class OpenMode { kCreate, kRead, kWrite };

// What a family keeps in memory before it becomes a table file, in bytes.
inline constexpr size_t kWriteBufferSize = 1 << 20;

// `env`: what RocksDB is to use for writing; nullptr for reading.
rocksdb::DBOptions DatabaseOptions(OpenMode mode, rocksdb::Env* env);

// RocksDB's own family `default` first, then those of key_space.h in their order.
std::vector<rocksdb::ColumnFamilyDescriptor> FamilyDescriptors();

}  // namespace veneer::catalog
