// What an Update holds until it is committed.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "fs/catalog/records.h"

namespace veneer::catalog {

struct Changes {
  std::map<std::string, std::optional<LayerRecord>> layers;  // by id; nothing: dropped
  std::vector<GenerationRecord> generations;
  std::set<uint64_t> dropped_generations;
  std::map<std::string, uint64_t> marks;      // current, pending and last-good, by their key
  std::map<std::string, uint32_t> sequences;  // by component
  std::map<std::string, uint32_t> floors;     // by component
  std::map<std::string, uint64_t> withdrawn;  // by layer id
  std::optional<uint64_t> latest_time;
  std::optional<uint64_t> tpm_count;
  std::vector<Event> events;  // oldest first
};

}  // namespace veneer::catalog
