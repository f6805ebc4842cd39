// RocksDB with the families of key_space.h, still without types: opening it, and bytes in and out.
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/env.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fs/base/error.h"
#include "fs/catalog/catalog.h"
#include "fs/catalog/key_space.h"
#include "fs/catalog/medium.h"
#include "fs/catalog/rocks_options.h"

namespace veneer::catalog {

enum class Order { kForward, kBackward };

// What a reader asks of a catalog's logs: that none is damaged inside, or only what they tell up to there.
enum class Logs { kWhole, kUpToDamage };

// For one thread at a time.
class Database {
 public:
  // As those of Catalog. `logs`: with kUpToDamage it may be the state of an earlier moment, where with kWhole
  // it is kDamaged. `only`: of the families this one alone is opened, whatever damage the others have;
  // nothing else may then be asked for.
  static Status Create(const std::string& path, const Medium& medium);
  static Result<std::unique_ptr<Database>> OpenForReading(const std::string& path, Logs logs = Logs::kWhole,
                                                          std::optional<FamilyIndex> only = {});
  static Result<std::unique_ptr<Database>> OpenForWriting(const std::string& path,
                                                          std::chrono::milliseconds wait,
                                                          const std::function<void()>& on_wait,
                                                          rocksdb::Env* env = nullptr);

  // After writes, moves them from the log to their tables, and merges those that have become many.
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  const std::string& path() const { return path_; }
  bool writable() const { return env_ != nullptr; }

  // The value of `key`, or nothing. kDamaged, kIo.
  Result<std::optional<std::string>> Get(FamilyIndex family, std::string_view key) const;

  // Calls `visit` with each entry in the order of the keys, until it returns false. kDamaged, kIo; an error
  // of `visit` is taken for one about the entry and comes back as Damaged() puts it.
  using Visit = std::function<Result<bool>(std::string_view key, std::string_view value)>;
  Status Scan(FamilyIndex family, Order order, const Visit& visit) const;

  // Add a change to `batch`, which copies it. kFailed.
  Status Put(rocksdb::WriteBatch& batch, FamilyIndex family, std::string_view key,
             std::string_view value) const;
  Status Delete(rocksdb::WriteBatch& batch, FamilyIndex family, std::string_view key) const;

  // Writes `batch` and waits until it is on the disk. kUsage if opened for reading; kNoSpace, kIo.
  Status Write(rocksdb::WriteBatch& batch);

  // kDamaged with the place, the cause and the mending command in the message.
  Error Damaged(FamilyIndex family, std::string_view key, const Error& cause) const;

 private:
  using Families = std::vector<rocksdb::ColumnFamilyHandle*>;
  // `env`: what `db` was opened for writing with; nothing for reading.
  Database(std::string path, std::unique_ptr<rocksdb::Env> env, std::unique_ptr<rocksdb::DB> db,
           Families families);

  // One try of opening, by whatever way `mode` says; for writing on `env`, as Medium has it. The status is
  // RocksDB's.
  static rocksdb::Status Open(const std::string& path, OpenMode mode, rocksdb::Env* env,
                              std::optional<FamilyIndex> only, std::unique_ptr<Database>& database);

  rocksdb::ColumnFamilyHandle* Handle(FamilyIndex family) const;
  void Tidy();

  std::string path_;
  bool written_ = false;
  std::unique_ptr<rocksdb::Env> env_;  // outlives db_
  std::unique_ptr<rocksdb::DB> db_;
  Families families_;  // as in FamilyDescriptors(); nullptr: not opened
};

}  // namespace veneer::catalog
