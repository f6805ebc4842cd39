#include "fs/format/json_object.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace veneer::format {
namespace {

using nlohmann::json;

// Whether `text`, which is UTF-8, has a control character: C0, DEL or C1 (U+0080 to U+009F, in UTF-8 C2 80 to
// C2 9F). What passes is safe to show on a terminal's line.
bool HasControlCharacter(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    if (byte < 0x20 || byte == 0x7F) return true;
    if (byte == 0xC2 && i + 1 < text.size() && static_cast<uint8_t>(text[i + 1]) < 0xA0) return true;
  }
  return false;
}

Result<std::string> TextOf(const json& value, const std::string& path, size_t min_size, size_t max_size) {
  if (!value.is_string()) return Fail(ErrorCode::kCorrupt, "{}: is not a string", path);
  const auto& text = value.get_ref<const std::string&>();
  if (text.size() < min_size) return Fail(ErrorCode::kCorrupt, "{}: is empty", path);
  if (text.size() > max_size) {
    return Fail(ErrorCode::kCorrupt, "{}: has {} bytes, more than {}", path, text.size(), max_size);
  }
  if (HasControlCharacter(text)) return Fail(ErrorCode::kCorrupt, "{}: has a control character", path);
  return text;
}

}  // namespace

Result<JsonObject> JsonObject::Of(const json& value, std::string path) {
  if (!value.is_object()) {
    return Fail(ErrorCode::kCorrupt, "{}{}is not an object", path, path.empty() ? "" : ": ");
  }
  return JsonObject(value, std::move(path));
}

std::string JsonObject::PathOf(std::string_view key) const {
  return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
}

bool JsonObject::Has(std::string_view key) const {
  return value_->contains(key);
}

Result<const json*> JsonObject::Member(std::string_view key) const {
  const auto it = value_->find(key);
  if (it == value_->end()) return Fail(ErrorCode::kCorrupt, "{}: is missing", PathOf(key));
  return &*it;
}

Result<std::string> JsonObject::Text(std::string_view key, size_t max_size) const {
  VENEER_ASSIGN(const json* value, Member(key));
  return TextOf(*value, PathOf(key), 1, max_size);
}

Result<std::string> JsonObject::TextOrEmpty(std::string_view key, size_t max_size) const {
  VENEER_ASSIGN(const json* value, Member(key));
  return TextOf(*value, PathOf(key), 0, max_size);
}

Result<std::vector<std::string>> JsonObject::Texts(std::string_view key) const {
  VENEER_ASSIGN(const json* value, Member(key));
  if (!value->is_array()) return Fail(ErrorCode::kCorrupt, "{}: is not an array", PathOf(key));
  std::vector<std::string> texts;
  for (const json& element : *value) {
    VENEER_ASSIGN(std::string text,
                  TextOf(element, fmt::format("{}[{}]", PathOf(key), texts.size()), 1, 1024));
    texts.push_back(std::move(text));
  }
  return texts;
}

Result<uint64_t> JsonObject::Integer(std::string_view key, uint64_t min, uint64_t max) const {
  VENEER_ASSIGN(const json* value, Member(key));
  // A number with a sign, a fraction or an exponent, or over 64 bits, has another type in the parser.
  if (!value->is_number_unsigned()) {
    return Fail(ErrorCode::kCorrupt, "{}: is not a whole number in 64 bits", PathOf(key));
  }
  const auto number = value->get<uint64_t>();
  if (number < min || number > max) {
    return Fail(ErrorCode::kCorrupt, "{}: {} is not between {} and {}", PathOf(key), number, min, max);
  }
  return number;
}

Result<bool> JsonObject::Boolean(std::string_view key) const {
  VENEER_ASSIGN(const json* value, Member(key));
  if (!value->is_boolean()) return Fail(ErrorCode::kCorrupt, "{}: is not true or false", PathOf(key));
  return value->get<bool>();
}

Result<JsonObject> JsonObject::Object(std::string_view key) const {
  VENEER_ASSIGN(const json* value, Member(key));
  return Of(*value, PathOf(key));
}

Result<std::vector<JsonObject>> JsonObject::Objects(std::string_view key) const {
  VENEER_ASSIGN(const json* value, Member(key));
  if (!value->is_array()) return Fail(ErrorCode::kCorrupt, "{}: is not an array", PathOf(key));
  std::vector<JsonObject> objects;
  for (const json& element : *value) {
    VENEER_ASSIGN(JsonObject object, Of(element, fmt::format("{}[{}]", PathOf(key), objects.size())));
    objects.push_back(std::move(object));
  }
  return objects;
}

Status JsonObject::Schema(std::string_view key, int expected) const {
  VENEER_ASSIGN(const json* value, Member(key));
  if (!value->is_number_integer()) return Fail(ErrorCode::kCorrupt, "{}: is not a whole number", PathOf(key));
  if (*value != expected) {
    return Fail(ErrorCode::kUnsupportedSchema, "{}: {} is not known here, only {}", PathOf(key),
                value->dump(), expected);
  }
  return {};
}

Status JsonObject::HasOnly(std::initializer_list<std::string_view> keys) const {
  for (const auto& [key, ignored] : value_->items()) {
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
      return Fail(ErrorCode::kCorrupt, "{}: no key of this name is known", json(PathOf(key)).dump());
    }
  }
  return {};
}

Status JsonObject::HasNone(std::initializer_list<std::string_view> keys, std::string_view why) const {
  for (const std::string_view key : keys) {
    if (Has(key)) return Fail(ErrorCode::kCorrupt, "{}: {}", PathOf(key), why);
  }
  return {};
}

}  // namespace veneer::format
