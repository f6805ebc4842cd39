#include "fs/catalog/rocks_options.h"

#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/listener.h>
#include <rocksdb/table.h>

#include <cstdarg>
#include <memory>
#include <string>

#include "fs/catalog/key_space.h"

namespace veneer::catalog {
namespace {

// RocksDB's log is for its developers, and would put files into a store that is only read.
class NullLogger final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char* /*format*/, va_list /*arguments*/) override {}
};

// The system without the background threads that RocksDB otherwise starts at every open. Reading gives them
// nothing to do, and a process that has none may fork.
class ThreadlessEnv final : public rocksdb::EnvWrapper {
 public:
  ThreadlessEnv() : EnvWrapper(rocksdb::Env::Default()) {}
  const char* Name() const override { return "ThreadlessEnv"; }
  void SetBackgroundThreads(int /*number*/, Priority /*priority*/) override {}
  void IncBackgroundThreadsIfNeeded(int /*number*/, Priority /*priority*/) override {}
};

// After a failed write RocksDB would try again by itself, in a thread that a close then may wait for without
// end. Whoever wrote is told of the failure, and that is all that there is to do.
class NoRetries final : public rocksdb::EventListener {
 public:
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason /*reason*/, rocksdb::Status /*error*/,
                            bool* retries) override {
    *retries = false;
  }
};

}  // namespace

rocksdb::DBOptions DatabaseOptions(OpenMode mode, rocksdb::Env* env) {
  static ThreadlessEnv threadless;
  rocksdb::DBOptions options;
  options.create_if_missing = mode == OpenMode::kCreate;
  options.create_missing_column_families = mode == OpenMode::kCreate;
  options.error_if_exists = mode == OpenMode::kCreate;
  options.env = mode == OpenMode::kRead ? &threadless : env;
  options.info_log = std::make_shared<NullLogger>();
  options.listeners = {std::make_shared<NoRetries>()};
  options.max_bgerror_resume_count = 0;
  options.paranoid_checks = true;
  // A crash may leave half a write at the log's end, which was never answered for; what follows the first bad
  // byte is dropped. Where tables show that there was more, opening fails; where the log does, CheckLogs.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  // All tables are opened at once, so that a reader still has them when a writer has merged them away.
  options.max_open_files = -1;
  options.max_file_opening_threads = 1;
  options.max_background_jobs = 2;
  options.atomic_flush = true;  // one record in the MANIFEST for all families
  options.allow_fallocate = false;
  options.stats_dump_period_sec = 0;  // or there is a timer thread
  options.stats_persist_period_sec = 0;
  options.skip_stats_update_on_db_open = true;
  return options;
}

std::vector<rocksdb::ColumnFamilyDescriptor> FamilyDescriptors() {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(1 << 20, 0);
  rocksdb::ColumnFamilyOptions options;
  options.write_buffer_size = kWriteBufferSize;
  options.compression = rocksdb::kNoCompression;  // whatever this RocksDB was built with
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  families.emplace_back(rocksdb::kDefaultColumnFamilyName, options);
  for (const Family& family : kFamilies) families.emplace_back(std::string(family.name), options);
  return families;
}

}  // namespace veneer::catalog
