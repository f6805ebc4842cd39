#include "fs/catalog/catalog.h"

#include <algorithm>

#include "fs/catalog/codec.h"
#include "fs/catalog/database.h"
#include "fs/catalog/keys.h"
#include "fs/catalog/marks.h"

namespace veneer::catalog {
namespace {

// All records of `family` in the order of their keys.
template <typename Record>
Result<std::vector<Record>> ReadAll(const Database& database, FamilyIndex family,
                                    Result<Record> (*decode)(std::string_view, std::string_view)) {
  std::vector<Record> records;
  VENEER_TRY(database.Scan(family, Order::kForward,
                           [&](std::string_view key, std::string_view value) -> Result<bool> {
                             VENEER_ASSIGN(Record record, decode(key, value));
                             records.push_back(std::move(record));
                             return true;
                           }));
  return records;
}

template <typename Record>
Result<std::optional<Record>> ReadOne(const Database& database, FamilyIndex family, const std::string& key,
                                      Result<Record> (*decode)(std::string_view, std::string_view)) {
  VENEER_ASSIGN(const std::optional<std::string> value, database.Get(family, key));
  if (!value) return std::nullopt;
  Result<Record> record = decode(key, *value);
  if (!record) return tl::unexpected(database.Damaged(family, key, record.error()));
  return std::move(*record);
}

}  // namespace

Catalog::Catalog(std::unique_ptr<Database> database) : database_(std::move(database)) {}
Catalog::~Catalog() = default;

Status Catalog::Create(const std::string& path, const Medium& medium) {
  return Database::Create(path, medium);
}

Result<std::unique_ptr<Catalog>> Catalog::OpenForReading(const std::string& path) {
  VENEER_ASSIGN(auto database, Database::OpenForReading(path));
  return std::unique_ptr<Catalog>(new Catalog(std::move(database)));
}

Result<std::unique_ptr<Catalog>> Catalog::OpenForWriting(const std::string& path,
                                                         std::chrono::milliseconds wait,
                                                         const std::function<void()>& on_wait,
                                                         const Medium& medium) {
  VENEER_ASSIGN(auto database, Database::OpenForWriting(path, wait, on_wait, medium.env));
  return std::unique_ptr<Catalog>(new Catalog(std::move(database)));
}

Result<std::vector<LayerRecord>> Catalog::Layers() const {
  VENEER_ASSIGN(auto layers, ReadAll(*database_, kLayers, DecodeLayer));
  std::ranges::sort(layers, {}, &LayerRecord::slot);
  const auto twice = std::ranges::adjacent_find(layers, {}, &LayerRecord::slot);
  if (twice != layers.end()) {
    return tl::unexpected(database_->Damaged(kLayers, *LayerKey(twice->id),
                                             Error(ErrorCode::kDamaged, "another layer has its slot too")));
  }
  return layers;
}

Result<std::optional<LayerRecord>> Catalog::Layer(const std::string& id) const {
  const auto key = LayerKey(id);
  if (!key) return std::nullopt;
  return ReadOne(*database_, kLayers, *key, DecodeLayer);
}

Result<std::vector<GenerationRecord>> Catalog::Generations() const {
  return ReadAll(*database_, kGenerations, DecodeGeneration);
}

Result<std::optional<GenerationRecord>> Catalog::Generation(uint64_t number) const {
  if (number == 0 || number > kMaxNumber) return std::nullopt;
  return ReadOne(*database_, kGenerations, NumberKey(number), DecodeGeneration);
}

Result<std::optional<GenerationRecord>> Catalog::CurrentGeneration() const {
  VENEER_ASSIGN(const State state, ReadState());
  if (state.current == 0) return std::nullopt;
  VENEER_ASSIGN(auto generation, Generation(state.current));
  if (!generation) {
    return Fail(ErrorCode::kDamaged, "the current generation {} is not recorded{}", state.current,
                kRepairCatalog);
  }
  return generation;
}

Result<State> Catalog::ReadState() const {
  State state;
  const auto read = [&](std::string_view name, std::string_view value) -> Result<bool> {
    VENEER_TRY(ReadMark(name, value, state));
    return true;
  };
  VENEER_TRY(database_->Scan(kState, Order::kForward, read));
  return state;
}

Result<std::vector<Event>> Catalog::Events(uint64_t most) const {
  std::vector<Event> events;
  if (most == 0) return events;
  VENEER_TRY(database_->Scan(kEvents, Order::kBackward,
                             [&](std::string_view key, std::string_view value) -> Result<bool> {
                               VENEER_ASSIGN(Event event, DecodeEvent(key, value));
                               events.push_back(std::move(event));
                               return events.size() < most;
                             }));
  return events;
}

}  // namespace veneer::catalog
