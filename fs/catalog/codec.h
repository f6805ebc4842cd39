// Records as the catalog's keys and values, and back. See docs/format/catalog.md. Pure functions, safe on any
// bytes; the catalog is not trusted, so both ways make the same checks.
#pragma once

#include <string>
#include <string_view>

#include "fs/base/error.h"
#include "fs/catalog/records.h"

namespace veneer::catalog {

// The longest value that is parsed at all, in bytes: a layer's holds a manifest of up to 2 MiB, escaped.
inline constexpr size_t kMaxValueSize = 16 << 20;

struct Entry {
  std::string key;
  std::string value;
};

// kUsage for a record with a field that the format does not allow; the message names the field. Text that is
// not UTF-8 gets replacement characters where only persons read it.
Result<Entry> EncodeLayer(const LayerRecord& layer);
Result<Entry> EncodeGeneration(const GenerationRecord& generation);
Result<Entry> EncodeEvent(const Event& event);

// kDamaged for bytes that are not such a record; the message is the cause alone, the caller knows where.
Result<LayerRecord> DecodeLayer(std::string_view key, std::string_view value);
Result<GenerationRecord> DecodeGeneration(std::string_view key, std::string_view value);
Result<Event> DecodeEvent(std::string_view key, std::string_view value);

}  // namespace veneer::catalog
