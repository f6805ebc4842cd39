#include "fs/catalog/database.h"

#include <rocksdb/iterator.h>
#include <rocksdb/metadata.h>
#include <rocksdb/write_batch.h>

#include "fs/catalog/catalog.h"
#include "fs/catalog/keys.h"
#include "fs/catalog/rocks_options.h"
#include "fs/catalog/rocks_status.h"

namespace veneer::catalog {
namespace {

// Table files of one family that are left alone, beside one for each kWriteBufferSize of content.
constexpr uint64_t kTablesLeftAlone = 4;

rocksdb::Slice AsSlice(std::string_view bytes) {
  return {bytes.data(), bytes.size()};
}

}  // namespace

Database::Database(std::string path, std::unique_ptr<rocksdb::Env> env, std::unique_ptr<rocksdb::DB> db,
                   Families families)
    : path_(std::move(path)), env_(std::move(env)), db_(std::move(db)), families_(std::move(families)) {}

Database::~Database() {
  if (written_) Tidy();
  for (rocksdb::ColumnFamilyHandle* family : families_) {
    if (family == nullptr) continue;
    static_cast<void>(db_->DestroyColumnFamilyHandle(family));  // fails only for the default family's
  }
}

// Each command opens and closes the catalog, which gives RocksDB's own threads no time for this. What fails
// here has lost nothing: all is in the log, and the next writer tries again.
void Database::Tidy() {
  if (!db_->Flush(rocksdb::FlushOptions(), families_).ok()) return;
  rocksdb::CompactRangeOptions merge;
  merge.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
  for (rocksdb::ColumnFamilyHandle* family : families_) {
    rocksdb::ColumnFamilyMetaData tables;
    db_->GetColumnFamilyMetaData(family, &tables);
    if (tables.file_count <= kTablesLeftAlone + tables.size / kWriteBufferSize) continue;
    if (!db_->CompactRange(merge, family, nullptr, nullptr).ok()) return;
  }
}

rocksdb::ColumnFamilyHandle* Database::Handle(FamilyIndex family) const {
  return families_[family + 1];  // after RocksDB's own
}

Result<std::optional<std::string>> Database::Get(FamilyIndex family, std::string_view key) const {
  std::string value;
  const auto status = db_->Get(rocksdb::ReadOptions(), Handle(family), AsSlice(key), &value);
  if (status.IsNotFound()) return std::nullopt;
  if (!status.ok()) return tl::unexpected(FromRocks(status, path_));
  return value;
}

Status Database::Scan(FamilyIndex family, Order order, const Visit& visit) const {
  const std::unique_ptr<rocksdb::Iterator> entry(db_->NewIterator(rocksdb::ReadOptions(), Handle(family)));
  const bool forward = order == Order::kForward;
  for (forward ? entry->SeekToFirst() : entry->SeekToLast(); entry->Valid();
       forward ? entry->Next() : entry->Prev()) {
    const std::string_view key = entry->key().ToStringView();
    const Result<bool> more = visit(key, entry->value().ToStringView());
    if (!more) return tl::unexpected(Damaged(family, key, more.error()));
    if (!*more) return {};
  }
  if (!entry->status().ok()) return tl::unexpected(FromRocks(entry->status(), path_));
  return {};
}

Status Database::Put(rocksdb::WriteBatch& batch, FamilyIndex family, std::string_view key,
                     std::string_view value) const {
  const auto status = batch.Put(Handle(family), AsSlice(key), AsSlice(value));
  if (!status.ok()) return tl::unexpected(FromRocks(status, path_));
  return {};
}

Status Database::Delete(rocksdb::WriteBatch& batch, FamilyIndex family, std::string_view key) const {
  const auto status = batch.Delete(Handle(family), AsSlice(key));
  if (!status.ok()) return tl::unexpected(FromRocks(status, path_));
  return {};
}

Status Database::Write(rocksdb::WriteBatch& batch) {
  if (!writable()) return Fail(ErrorCode::kUsage, "{}: opened for reading", path_);
  rocksdb::WriteOptions options;
  options.sync = true;
  const auto status = db_->Write(options, &batch);
  if (!status.ok()) return tl::unexpected(FromRocks(status, path_));
  written_ = true;
  return {};
}

Error Database::Damaged(FamilyIndex family, std::string_view key, const Error& cause) const {
  return Error(ErrorCode::kDamaged, fmt::format("{}: {} {}: {}{}", path_, kFamilies[family].name,
                                                ShowKey(family, key), cause.message(), kRepairCatalog));
}

}  // namespace veneer::catalog
