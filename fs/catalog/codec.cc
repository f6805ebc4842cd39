#include "fs/catalog/codec.h"

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>

#include "fs/base/bytes.h"
#include "fs/catalog/keys.h"

namespace veneer::catalog {
namespace {

using nlohmann::json;

// What a record must be, for writing (kUsage) as for reading (kDamaged).
Status Check(const LayerRecord& layer, ErrorCode code) {
  if (!IsLayerId(layer.id)) return Fail(code, "id is not 64 lower-case hexadecimal characters");
  if (layer.slot == 0) return Fail(code, "slot is 0");
  if (!IsPlainFileName(layer.file_name)) return Fail(code, "file_name is not the plain name of a file");
  return {};
}

Status Check(const GenerationRecord& generation, ErrorCode code) {
  if (generation.number == 0 || generation.number > kMaxNumber) return Fail(code, "number is out of range");
  if (generation.layers.empty()) return Fail(code, "layers is empty");
  for (const std::string& id : generation.layers) {
    if (!IsLayerId(id)) return Fail(code, "layers has an entry that is not a layer id");
  }
  if (generation.effective_root != EffectiveRoot(generation.layers)) {
    return Fail(code, "effective_root is not that of its layers");
  }
  return {};
}

Status Check(const Event& event, ErrorCode code) {
  if (event.number == 0 || event.number > kMaxNumber) return Fail(code, "number is out of range");
  if (event.generation > kMaxNumber) return Fail(code, "generation is out of range");
  return {};
}

Result<std::string> DumpWithinLimit(const json& object) {
  std::string text = object.dump(-1, ' ', false, json::error_handler_t::replace);
  if (text.size() > kMaxValueSize) return Fail(ErrorCode::kUsage, "longer than {} bytes", kMaxValueSize);
  return text;
}

Result<json> ParseObject(std::string_view value) {
  if (value.size() > kMaxValueSize) return Fail(ErrorCode::kDamaged, "longer than {} bytes", kMaxValueSize);
  json object = json::parse(value, nullptr, false);
  if (!object.is_object()) return Fail(ErrorCode::kDamaged, "not a JSON object");
  return object;
}

Result<std::string> Text(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string()) {
    return Fail(ErrorCode::kDamaged, "{} is missing or not a string", name);
  }
  return found->get<std::string>();
}

Result<uint64_t> Number(const json& object, const char* name, uint64_t max) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_number_unsigned() || found->get<uint64_t>() > max) {
    return Fail(ErrorCode::kDamaged, "{} is missing or not a number from 0 to {}", name, max);
  }
  return found->get<uint64_t>();
}

// Seconds since 1970, which a clock that was never set may put before it.
Result<int64_t> Time(const json& object, const char* name) {
  const auto found = object.find(name);
  const bool fits = found != object.end() && found->is_number_integer() &&
                    (!found->is_number_unsigned() ||
                     found->get<uint64_t>() <= uint64_t{std::numeric_limits<int64_t>::max()});
  if (!fits) return Fail(ErrorCode::kDamaged, "{} is missing or not a time in seconds", name);
  return found->get<int64_t>();
}

Result<std::vector<std::string>> TextList(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_array()) {
    return Fail(ErrorCode::kDamaged, "{} is missing or not an array", name);
  }
  std::vector<std::string> list;
  for (const json& item : *found) {
    if (!item.is_string()) return Fail(ErrorCode::kDamaged, "{} has an entry that is not a string", name);
    list.push_back(item.get<std::string>());
  }
  return list;
}

}  // namespace

Result<Entry> EncodeLayer(const LayerRecord& layer) {
  VENEER_TRY(Check(layer, ErrorCode::kUsage));
  VENEER_ASSIGN(std::string value, DumpWithinLimit({{"slot", layer.slot},
                                                    {"file_name", layer.file_name},
                                                    {"manifest", layer.manifest},
                                                    {"installed_at", layer.installed_at}}));
  return Entry{*LayerKey(layer.id), std::move(value)};
}

Result<LayerRecord> DecodeLayer(std::string_view key, std::string_view value) {
  const auto id = ParseLayerKey(key);
  if (!id) return Fail(ErrorCode::kDamaged, "the key is not a layer id");
  VENEER_ASSIGN(const json object, ParseObject(value));
  LayerRecord layer;
  layer.id = *id;
  VENEER_ASSIGN(const uint64_t slot, Number(object, "slot", std::numeric_limits<uint16_t>::max()));
  layer.slot = static_cast<uint16_t>(slot);
  VENEER_ASSIGN(layer.file_name, Text(object, "file_name"));
  VENEER_ASSIGN(layer.manifest, Text(object, "manifest"));
  VENEER_ASSIGN(layer.installed_at, Time(object, "installed_at"));
  VENEER_TRY(Check(layer, ErrorCode::kDamaged));
  return layer;
}

Result<Entry> EncodeGeneration(const GenerationRecord& generation) {
  VENEER_TRY(Check(generation, ErrorCode::kUsage));
  VENEER_ASSIGN(std::string value, DumpWithinLimit({{"layers", generation.layers},
                                                    {"effective_root", ToHex(generation.effective_root)},
                                                    {"reason", generation.reason},
                                                    {"time", generation.time}}));
  return Entry{NumberKey(generation.number), std::move(value)};
}

Result<GenerationRecord> DecodeGeneration(std::string_view key, std::string_view value) {
  const auto number = ParseNumberKey(key);
  if (!number) return Fail(ErrorCode::kDamaged, "the key is not the number of a generation");
  VENEER_ASSIGN(const json object, ParseObject(value));
  GenerationRecord generation;
  generation.number = *number;
  VENEER_ASSIGN(generation.layers, TextList(object, "layers"));
  VENEER_ASSIGN(const std::string root, Text(object, "effective_root"));
  const auto digest = IsLayerId(root) ? DigestFromHex(root) : std::nullopt;
  if (!digest) return Fail(ErrorCode::kDamaged, "effective_root is not 64 hexadecimal characters");
  generation.effective_root = *digest;
  VENEER_ASSIGN(generation.reason, Text(object, "reason"));
  VENEER_ASSIGN(generation.time, Time(object, "time"));
  VENEER_TRY(Check(generation, ErrorCode::kDamaged));
  return generation;
}

Result<Entry> EncodeEvent(const Event& event) {
  VENEER_TRY(Check(event, ErrorCode::kUsage));
  VENEER_ASSIGN(std::string value, DumpWithinLimit({{"time", event.time},
                                                    {"kind", event.kind},
                                                    {"generation", event.generation},
                                                    {"by", event.by},
                                                    {"text", event.text}}));
  return Entry{NumberKey(event.number), std::move(value)};
}

Result<Event> DecodeEvent(std::string_view key, std::string_view value) {
  const auto number = ParseNumberKey(key);
  if (!number) return Fail(ErrorCode::kDamaged, "the key is not the number of an event");
  VENEER_ASSIGN(const json object, ParseObject(value));
  Event event;
  event.number = *number;
  VENEER_ASSIGN(event.time, Time(object, "time"));
  VENEER_ASSIGN(event.kind, Text(object, "kind"));
  VENEER_ASSIGN(event.generation, Number(object, "generation", kMaxNumber));
  VENEER_ASSIGN(event.by, Text(object, "by"));
  VENEER_ASSIGN(event.text, Text(object, "text"));
  VENEER_TRY(Check(event, ErrorCode::kDamaged));
  return event;
}

}  // namespace veneer::catalog
