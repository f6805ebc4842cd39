// The catalog: RocksDB with a typed face. See design §6.
//
// The catalog is not trusted: whoever reads a layer's name from it still verifies that layer's signature.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fs/base/error.h"
#include "fs/catalog/medium.h"
#include "fs/catalog/records.h"

namespace veneer::catalog {

// What mends a damaged catalog, as the end of a message.
inline constexpr std::string_view kRepairCatalog = "; run: veneer repair-catalog";

class Database;
struct Changes;

// Changes that happen together or not at all. Of several words on one thing the last counts.
class Update {
 public:
  Update();
  Update(Update&&) noexcept;
  Update& operator=(Update&&) noexcept;
  ~Update();

  void PutLayer(const LayerRecord& layer);
  void DropLayer(const std::string& id);
  void PutGeneration(const GenerationRecord& generation);
  void DropGeneration(uint64_t number);  // its number is not given again
  void SetCurrent(uint64_t generation);
  void SetPending(uint64_t generation);
  void SetLastGood(uint64_t generation);
  void SetHighestSequence(const std::string& component, uint32_t sequence);
  void SetSecurityFloor(const std::string& component, uint32_t sequence);
  void SetWithdrawn(const std::string& layer, uint64_t time);
  void SetLatestTime(uint64_t time);
  void SetTpmCount(uint64_t count);
  void AddEvent(Event event);

 private:
  friend class Catalog;
  std::unique_ptr<Changes> changes_;
};

// One process writes at a time, any number read. An object of this class is for one thread at a time.
class Catalog {
 public:
  // Makes a new catalog in the folder `path`, which must not be there. kExists, kIo, kNoSpace.
  static Status Create(const std::string& path, const Medium& medium = {});

  // Opens for reading, without RocksDB's lock, at the state of this moment. kNotFound if there is none;
  // kDamaged if RocksDB finds it so, both with the mending command `veneer repair-catalog` in the message;
  // kUnsupported if a newer program wrote it; kIo. Tried again for a short time where a writer's clean-up
  // gets in the way, and then kBusy. Starts no thread, so that the process may still fork.
  static Result<std::unique_ptr<Catalog>> OpenForReading(const std::string& path);

  // Opens for reading and writing, waiting up to `wait` for another writer; `on_wait` is called once when
  // waiting begins. kBusy if the wait was too short; kInterrupted if a stop is asked for meanwhile; kNoSpace;
  // otherwise as OpenForReading. RocksDB's threads stay until the process ends, so fork only to exec from
  // then on.
  static Result<std::unique_ptr<Catalog>> OpenForWriting(const std::string& path,
                                                         std::chrono::milliseconds wait,
                                                         const std::function<void()>& on_wait = {},
                                                         const Medium& medium = {});

  ~Catalog();
  Catalog(const Catalog&) = delete;
  Catalog& operator=(const Catalog&) = delete;

  // All of these: kDamaged for a value that cannot be read as what it should be; kIo.
  Result<std::vector<LayerRecord>> Layers() const;  // by slot
  Result<std::optional<LayerRecord>> Layer(const std::string& id) const;
  Result<std::vector<GenerationRecord>> Generations() const;  // by number
  Result<std::optional<GenerationRecord>> Generation(uint64_t number) const;
  // The one that State::current names; nothing if none is current, kDamaged if it is not recorded.
  Result<std::optional<GenerationRecord>> CurrentGeneration() const;
  Result<State> ReadState() const;
  Result<std::vector<Event>> Events(uint64_t most) const;  // newest first
  Result<uint64_t> NextGeneration() const;                 // a number never used

  // Takes the next slot, which is never given again, even if the caller then fails. kNoSpace when all 65535
  // are gone. For a catalog opened for writing, as Commit is.
  Result<uint16_t> TakeSlot();

  // Writes all of `update` in one synced batch: after a crash all of it is there or none. Nothing is written
  // after an error. kExists for a generation whose number is there already and for a layer whose slot another
  // layer has; kUsage for a record that the format does not allow (e.g. an effective root that is not that of
  // its layers) and for a state that names a generation neither there nor in `update`; kDamaged for what is
  // there already; kNoSpace, kIo.
  Status Commit(Update update);

 private:
  explicit Catalog(std::unique_ptr<Database> database);
  std::unique_ptr<Database> database_;
};

}  // namespace veneer::catalog
