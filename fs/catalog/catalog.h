// The catalog: RocksDB with a typed face. See design §6.
//
// The catalog is not trusted: whoever reads a layer's name from it still verifies that layer's signature.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fs/base/error.h"
#include "fs/catalog/records.h"

namespace veneer::catalog {

// Changes that happen together or not at all.
class Update {
 public:
  Update();
  Update(Update&&) noexcept;
  Update& operator=(Update&&) noexcept;
  ~Update();

  void PutLayer(const LayerRecord& layer);
  void DropLayer(const std::string& id);
  void PutGeneration(const GenerationRecord& generation);
  void SetCurrent(uint64_t generation);
  void SetPending(uint64_t generation);
  void SetLastGood(uint64_t generation);
  void SetHighestSequence(const std::string& component, uint32_t sequence);
  void AddEvent(Event event);

 private:
  friend class Catalog;
  struct Batch;
  std::unique_ptr<Batch> batch_;
};

// One process writes at a time, any number read. An object of this class is for one thread at a time.
class Catalog {
 public:
  // Makes a new catalog in the folder `path`, which must not be there. kExists, kIo, kNoSpace.
  static Status Create(const std::string& path);

  // Opens for reading, without RocksDB's lock, at the state of this moment. kNotFound if there is none;
  // kDamaged if RocksDB finds it so, with the mending command `veneer repair-catalog` in the message; kIo.
  // Tried again for a short time where a writer's clean-up gets in the way.
  static Result<std::unique_ptr<Catalog>> OpenForReading(const std::string& path);

  // Opens for reading and writing, waiting up to `wait` for another writer; `on_wait` is called once when
  // waiting begins. kBusy if the wait was too short; otherwise as OpenForReading.
  static Result<std::unique_ptr<Catalog>> OpenForWriting(const std::string& path,
                                                         std::chrono::milliseconds wait,
                                                         const std::function<void()>& on_wait = {});

  ~Catalog();
  Catalog(const Catalog&) = delete;
  Catalog& operator=(const Catalog&) = delete;

  // All of these: kDamaged for a value that cannot be read as what it should be; kIo.
  Result<std::vector<LayerRecord>> Layers() const;  // by slot
  Result<std::optional<LayerRecord>> Layer(const std::string& id) const;
  Result<std::vector<GenerationRecord>> Generations() const;  // by number
  Result<std::optional<GenerationRecord>> Generation(uint64_t number) const;
  Result<State> ReadState() const;
  Result<std::vector<Event>> Events(uint64_t most) const;  // newest first
  Result<uint64_t> NextGeneration() const;                 // a number never used

  // Takes the next slot, which is never given again, even if the caller then fails. kNoSpace when all 65535
  // are gone.
  Result<uint16_t> TakeSlot();

  // Writes all of `update` in one synced batch: after a crash all of it is there or none.
  Status Commit(Update update);

 private:
  struct Database;
  explicit Catalog(std::unique_ptr<Database> database);
  std::unique_ptr<Database> database_;
};

}  // namespace veneer::catalog
