#include "fs/catalog/batch.h"

#include <algorithm>
#include <map>

#include "fs/catalog/codec.h"
#include "fs/catalog/keys.h"

namespace veneer::catalog {
namespace {

// The number `name` of the family `state`, or `missing`.
Result<uint64_t> Counter(const Database& database, std::string_view name, uint64_t max, uint64_t missing) {
  VENEER_ASSIGN(const auto value, database.Get(kState, name));
  if (!value) return missing;
  if (const auto number = ParseDecimal(*value, max)) return *number;
  return tl::unexpected(database.Damaged(
      kState, name, Error(ErrorCode::kDamaged, fmt::format("not a decimal number up to {}", max))));
}

// The highest number that `family` has a key for; 0 if it is empty.
Result<uint64_t> Highest(const Database& database, FamilyIndex family) {
  uint64_t highest = 0;
  const auto take = [&](std::string_view key, std::string_view) -> Result<bool> {
    const auto number = ParseNumberKey(key);
    if (!number) return Fail(ErrorCode::kDamaged, "the key is not a number");
    highest = *number;
    return false;
  };
  VENEER_TRY(database.Scan(family, Order::kBackward, take));
  return highest;
}

}  // namespace

// The counter in the state is what counts; that it is not below what is there guards against a lost one.
Result<uint64_t> NextSlot(const Database& database, const std::vector<LayerRecord>& layers_by_slot) {
  VENEER_ASSIGN(const uint64_t counter, Counter(database, kStateNextSlot, kMaxSlot + 1, 1));
  const uint64_t beyond = layers_by_slot.empty() ? 1 : uint64_t{layers_by_slot.back().slot} + 1;
  return std::max({counter, beyond, uint64_t{1}});
}

Result<uint64_t> NextGenerationNumber(const Database& database) {
  VENEER_ASSIGN(const uint64_t counter, Counter(database, kStateNextGeneration, kMaxNumber + 1, 1));
  VENEER_ASSIGN(const uint64_t highest, Highest(database, kGenerations));
  return std::max({counter, highest + 1, uint64_t{1}});
}

// No two layers may have one slot, not even one after the other: it is what tells their files apart.
Status Batch::CheckSlots(const std::vector<LayerRecord>& present) const {
  std::map<uint16_t, std::string> owners;
  for (const LayerRecord& layer : present) {
    const auto change = changes_.layers.find(layer.id);
    if (change == changes_.layers.end() || !change->second) owners[layer.slot] = layer.id;
  }
  for (const auto& [id, layer] : changes_.layers) {
    if (!layer) continue;
    const auto [owner, is_new] = owners.try_emplace(layer->slot, id);
    if (!is_new) {
      return Fail(ErrorCode::kExists, "{}: layer {}: layer {} has slot {} already", database_.path(), id,
                  owner->second, layer->slot);
    }
  }
  return {};
}

Status Batch::AddLayers(const std::vector<LayerRecord>& present) {
  VENEER_TRY(CheckSlots(present));
  VENEER_ASSIGN(const uint64_t next, NextSlot(database_, present));
  uint64_t beyond = next;
  for (const auto& [id, layer] : changes_.layers) {
    if (layer) {
      const Result<Entry> entry = EncodeLayer(*layer);
      if (!entry) return tl::unexpected(entry.error().Within(fmt::format("layer {}", id)));
      VENEER_TRY(Put(kLayers, entry->key, entry->value));
      beyond = std::max(beyond, uint64_t{layer->slot} + 1);
    } else if (const auto key = LayerKey(id)) {
      VENEER_TRY(database_.Delete(batch_, kLayers, *key));
    }
  }
  // Kept even where only dropping needs it: the slot of a layer that goes must not come again.
  return PutNumber(kStateNextSlot, beyond);
}

Status Batch::AddGenerations() {
  if (changes_.generations.empty() && changes_.dropped_generations.empty()) return {};
  VENEER_ASSIGN(uint64_t next, NextGenerationNumber(database_));
  for (const uint64_t number : changes_.dropped_generations)
    VENEER_TRY(database_.Delete(batch_, kGenerations, NumberKey(number)));
  for (const GenerationRecord& generation : changes_.generations) {
    const Result<Entry> entry = EncodeGeneration(generation);
    if (!entry) {
      return tl::unexpected(entry.error().Within(fmt::format("generation {}", generation.number)));
    }
    VENEER_ASSIGN(const auto present, database_.Get(kGenerations, entry->key));
    if (present || !generations_.insert(generation.number).second) {
      return Fail(ErrorCode::kExists, "{}: generation {} is there already and cannot be changed",
                  database_.path(), generation.number);
    }
    VENEER_TRY(Put(kGenerations, entry->key, entry->value));
    next = std::max(next, generation.number + 1);
  }
  return PutNumber(kStateNextGeneration, next);
}

Status Batch::AddMarks() {
  for (const auto& [name, number] : changes_.marks) {
    if (number != 0 && !generations_.contains(number)) {
      VENEER_ASSIGN(const auto present, database_.Get(kGenerations, NumberKey(number)));
      if (!present || changes_.dropped_generations.contains(number)) {
        return Fail(ErrorCode::kUsage, "{}: {} cannot be generation {}, which is not there", database_.path(),
                    name, number);
      }
    }
    VENEER_TRY(PutNumber(name, number));
  }
  return {};
}

Status Batch::PutSequences(std::string_view prefix, const std::map<std::string, uint32_t>& sequences) {
  for (const auto& [component, sequence] : sequences) {
    if (!IsComponent(component)) {
      return Fail(ErrorCode::kUsage, "{}: \"{}\" is not the name of a component", database_.path(),
                  component);
    }
    VENEER_TRY(PutNumber(std::string(prefix) + component, sequence));
  }
  return {};
}

Status Batch::AddSequences() {
  VENEER_TRY(PutSequences(kStateSequencePrefix, changes_.sequences));
  return PutSequences(kStateFloorPrefix, changes_.floors);
}

Status Batch::AddWithdrawn() {
  for (const auto& [layer, time] : changes_.withdrawn) {
    if (!IsLayerId(layer)) {
      return Fail(ErrorCode::kUsage, "{}: \"{}\" is not a layer id", database_.path(), layer);
    }
    VENEER_TRY(PutNumber(std::string(kStateWithdrawnPrefix) + layer, std::min(time, kMaxNumber)));
  }
  return {};
}

Status Batch::AddCounts() {
  if (changes_.latest_time) {
    VENEER_TRY(PutNumber(kStateLatestTime, std::min(*changes_.latest_time, kMaxNumber)));
  }
  if (changes_.tpm_count) VENEER_TRY(PutNumber(kStateTpmCount, std::min(*changes_.tpm_count, kMaxNumber)));
  return {};
}

Status Batch::DropEventsUpTo(uint64_t number) {
  return database_.Scan(kEvents, Order::kForward,
                        [&](std::string_view key, std::string_view) -> Result<bool> {
                          const auto event = ParseNumberKey(key);
                          if (!event) return Fail(ErrorCode::kDamaged, "the key is not a number");
                          if (*event > number) return false;
                          VENEER_TRY(database_.Delete(batch_, kEvents, key));
                          return true;
                        });
}

Status Batch::AddEvents() {
  if (changes_.events.empty()) return {};
  VENEER_ASSIGN(const uint64_t newest, Highest(database_, kEvents));
  const uint64_t last = newest + changes_.events.size();
  uint64_t number = newest;
  for (Event event : changes_.events) {
    event.number = ++number;
    if (number + kMaxEvents <= last) continue;
    const Result<Entry> entry = EncodeEvent(event);
    if (!entry) return tl::unexpected(entry.error().Within(fmt::format("event \"{}\"", event.kind)));
    VENEER_TRY(Put(kEvents, entry->key, entry->value));
  }
  return last > kMaxEvents ? DropEventsUpTo(last - kMaxEvents) : Status();
}

}  // namespace veneer::catalog
