// Typed reading of a JSON object's members, with errors that name the key.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "fs/base/error.h"

namespace veneer::format {

// A view of one JSON object; what it views must outlive it. Every function is kCorrupt where the member is
// missing, of another type or out of range, with a message that begins with the member's path, such as
// "applies_to.versions".
class JsonObject {
 public:
  // `path` is the object's own name, empty for the outermost.
  static Result<JsonObject> Of(const nlohmann::json& value, std::string path = {});

  bool Has(std::string_view key) const;

  // A string of 1 to `max_size` bytes without control characters.
  Result<std::string> Text(std::string_view key, size_t max_size = 1024) const;

  // Likewise, but it may be empty.
  Result<std::string> TextOrEmpty(std::string_view key, size_t max_size = 1024) const;

  // An array of strings as of Text; it may be empty.
  Result<std::vector<std::string>> Texts(std::string_view key) const;

  // A whole number of at least `min` and at most `max`, written without fraction or exponent.
  Result<uint64_t> Integer(std::string_view key, uint64_t min, uint64_t max) const;

  Result<bool> Boolean(std::string_view key) const;
  Result<JsonObject> Object(std::string_view key) const;
  Result<std::vector<JsonObject>> Objects(std::string_view key) const;

  // Whether `key` holds the number `expected`: kUnsupportedSchema for another whole number.
  Status Schema(std::string_view key, int expected) const;

  // That the object has no key but these.
  Status HasOnly(std::initializer_list<std::string_view> keys) const;

  // That the object has none of these keys; `why` ends the message.
  Status HasNone(std::initializer_list<std::string_view> keys, std::string_view why) const;

  // The path of member `key` in messages.
  std::string PathOf(std::string_view key) const;

 private:
  JsonObject(const nlohmann::json& value, std::string path) : value_(&value), path_(std::move(path)) {}

  Result<const nlohmann::json*> Member(std::string_view key) const;

  const nlohmann::json* value_;
  std::string path_;
};

}  // namespace veneer::format
