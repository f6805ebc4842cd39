// One commit in the making: each change is checked against what is there and put into one batch of RocksDB's.
#pragma once

#include <rocksdb/write_batch.h>

#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "fs/base/error.h"
#include "fs/catalog/changes.h"
#include "fs/catalog/database.h"

namespace veneer::catalog {

inline constexpr uint64_t kMaxSlot = std::numeric_limits<uint16_t>::max();

// The slot to be given next, 1 to kMaxSlot + 1, where the catalog has the layers `layers_by_slot`. kDamaged,
// kIo.
Result<uint64_t> NextSlot(const Database& database, const std::vector<LayerRecord>& layers_by_slot);

// The number of the next generation, 1 to kMaxNumber + 1. kDamaged, kIo.
Result<uint64_t> NextGenerationNumber(const Database& database);

// The errors of all its functions are those of Catalog::Commit. Write only what had none.
class Batch {
 public:
  Batch(Database& database, const Changes& changes) : database_(database), changes_(changes) {}

  // `present`: the catalog's layers, by slot.
  Status AddLayers(const std::vector<LayerRecord>& present);
  Status AddGenerations();
  Status AddMarks();  // after AddGenerations
  Status AddSequences();
  Status AddWithdrawn();
  Status AddCounts();
  Status AddEvents();
  Status Write() { return database_.Write(batch_); }

 private:
  Status Put(FamilyIndex family, std::string_view key, std::string_view value) {
    return database_.Put(batch_, family, key, value);
  }
  Status PutNumber(std::string_view name, uint64_t number) {
    return Put(kState, name, std::to_string(number));
  }
  Status CheckSlots(const std::vector<LayerRecord>& present) const;
  Status PutSequences(std::string_view prefix, const std::map<std::string, uint32_t>& sequences);
  Status DropEventsUpTo(uint64_t number);

  Database& database_;
  const Changes& changes_;
  rocksdb::WriteBatch batch_;
  std::set<uint64_t> generations_;  // that this batch adds
};

}  // namespace veneer::catalog
