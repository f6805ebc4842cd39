// Every column family of the catalog, in one table: its key, its value, its class (design §6).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace veneer::catalog {

enum class FamilyClass {
  kPersistent,         // lost only with history
  kPersistentBounded,  // likewise, and old entries are dropped
  kRebuildable,        // made again from the layers
};

struct Family {
  std::string_view name;
  FamilyClass kind;
  std::string_view key;
  std::string_view value;
};

enum FamilyIndex : size_t { kLayers, kGenerations, kState, kBlocks, kScans, kEvents, kFamilyCount };

inline constexpr std::array<Family, kFamilyCount> kFamilies = {{
    {"layers", FamilyClass::kPersistent, "layer id, 32 bytes", "JSON: slot, file name, manifest, time"},
    {"generations", FamilyClass::kPersistent, "number, big-endian 64 bits",
     "JSON: ordered layer ids, effective root, reason, time"},
    {"state", FamilyClass::kPersistent,
     "current, pending, last-good, next-slot, next-generation, latest-time, tpm-count, sequence/COMPONENT, "
     "floor/COMPONENT, withdrawn/LAYER-ID",
     "decimal number"},
    {"blocks", FamilyClass::kRebuildable, "first 16 bytes of a block's SHA-256",
     "slot and block number, little-endian 16 and 64 bits"},
    {"scans", FamilyClass::kPersistent, "scan number, big-endian 64 bits", "JSON: run, findings, progress"},
    {"events", FamilyClass::kPersistentBounded, "number, big-endian 64 bits",
     "JSON: time, kind, generation, by, text"},
}};

// Events kept; the oldest go first.
inline constexpr uint64_t kMaxEvents = 10000;

}  // namespace veneer::catalog
