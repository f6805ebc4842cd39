// The catalog's writing half.
#include <rocksdb/write_batch.h>

#include "fs/catalog/batch.h"
#include "fs/catalog/catalog.h"
#include "fs/catalog/changes.h"
#include "fs/catalog/database.h"
#include "fs/catalog/keys.h"

namespace veneer::catalog {

Result<uint64_t> Catalog::NextGeneration() const {
  return NextGenerationNumber(*database_);
}

Result<uint16_t> Catalog::TakeSlot() {
  VENEER_ASSIGN(const auto layers, Layers());
  VENEER_ASSIGN(const uint64_t slot, NextSlot(*database_, layers));
  if (slot > kMaxSlot) {
    return Fail(ErrorCode::kNoSpace, "{}: all {} slots for layers have been given", database_->path(),
                kMaxSlot);
  }
  rocksdb::WriteBatch batch;
  VENEER_TRY(database_->Put(batch, kState, kStateNextSlot, std::to_string(slot + 1)));
  VENEER_TRY(database_->Write(batch));
  return static_cast<uint16_t>(slot);
}

Status Catalog::Commit(Update update) {
  const Changes& changes = *update.changes_;
  Batch batch(*database_, changes);
  if (!changes.layers.empty()) {
    VENEER_ASSIGN(const auto layers, Layers());
    VENEER_TRY(batch.AddLayers(layers));
  }
  VENEER_TRY(batch.AddGenerations());
  VENEER_TRY(batch.AddMarks());
  VENEER_TRY(batch.AddSequences());
  VENEER_TRY(batch.AddWithdrawn());
  VENEER_TRY(batch.AddCounts());
  VENEER_TRY(batch.AddEvents());
  return batch.Write();
}

}  // namespace veneer::catalog
