#include "fs/format/strict_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

namespace veneer::format {
namespace {

using nlohmann::json;

// `text` for a message: short, on one line, whatever bytes it has.
std::string Printable(std::string_view text) {
  std::string printable(text.substr(0, 64));
  std::replace_if(
      printable.begin(), printable.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return printable;
}

// Sees the text go by, builds nothing but the sets of keys of the objects that are open, and stops at the
// first thing that is refused. It asks for the member functions that nlohmann::json's SAX interface names.
class Inspector {
 public:
  explicit Inspector(int max_depth) : max_depth_(static_cast<size_t>(max_depth)) {}

  const std::string& objection() const { return objection_; }

  bool null() { return true; }
  bool boolean(bool) { return true; }
  bool number_integer(json::number_integer_t) { return true; }
  bool number_unsigned(json::number_unsigned_t) { return true; }
  bool number_float(json::number_float_t, const std::string&) { return true; }
  bool binary(json::binary_t&) { return Refuse("holds binary data"); }
  bool string(const std::string& value) { return HasNoNul(value); }

  bool key(const std::string& name) {
    if (!HasNoNul(name)) return false;
    if (!open_.back().insert(name).second) {
      return Refuse(fmt::format("has the key \"{}\" twice", Printable(name)));
    }
    return true;
  }

  bool start_object(size_t) { return Enter(); }
  bool start_array(size_t) { return Enter(); }
  bool end_object() { return Leave(); }
  bool end_array() { return Leave(); }

  bool parse_error(size_t position, const std::string&, const json::exception&) {
    return Refuse(fmt::format("is not JSON in UTF-8 at byte {}", position));
  }

 private:
  bool Refuse(std::string objection) {
    objection_ = std::move(objection);
    return false;
  }

  bool HasNoNul(const std::string& text) {
    return text.find('\0') == std::string::npos || Refuse("has the character NUL in a string");
  }

  bool Enter() {
    if (open_.size() == max_depth_) return Refuse(fmt::format("is nested deeper than {}", max_depth_));
    open_.emplace_back();
    return true;
  }

  bool Leave() {
    open_.pop_back();
    return true;
  }

  size_t max_depth_;
  std::vector<std::set<std::string>> open_;  // per array or object that is open; empty for an array
  std::string objection_;
};

}  // namespace

Result<json> ParseStrictJson(ByteSpan text, JsonLimits limits) {
  if (text.size() > limits.size) {
    return Fail(ErrorCode::kCorrupt, "has {} bytes, more than the {} allowed", text.size(), limits.size);
  }
  // The parser takes a NUL for the end of its input and skips a byte order mark; to us neither is JSON.
  if (std::find(text.begin(), text.end(), uint8_t{0}) != text.end()) {
    return Fail(ErrorCode::kCorrupt, "has a NUL byte");
  }
  if (!text.empty() && text.front() == 0xEF) {
    return Fail(ErrorCode::kCorrupt, "begins with a byte order mark");
  }
  Inspector inspector(limits.depth);
  if (!json::sax_parse(text.begin(), text.end(), &inspector)) {
    return Fail(ErrorCode::kCorrupt, "{}", inspector.objection());
  }
  json value = json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (value.is_discarded()) return Fail(ErrorCode::kCorrupt, "is not JSON");
  return value;
}

}  // namespace veneer::format
