#include "fs/catalog/keys.h"

#include <algorithm>
#include <charconv>

#include "fs/base/bytes.h"

namespace veneer::catalog {
namespace {

bool IsLowerOrDigit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool IsPrintable(char c) {
  return c > ' ' && c <= '~';
}

}  // namespace

std::string NumberKey(uint64_t number) {
  std::string key(8, '\0');
  for (size_t i = 0; i < 8; ++i) key[i] = static_cast<char>(static_cast<uint8_t>(number >> (56 - 8 * i)));
  return key;
}

std::optional<uint64_t> ParseNumberKey(std::string_view key) {
  if (key.size() != 8) return std::nullopt;
  uint64_t number = 0;
  for (char c : key) number = number << 8 | static_cast<uint8_t>(c);
  if (number == 0 || number > kMaxNumber) return std::nullopt;
  return number;
}

std::optional<std::string> LayerKey(std::string_view id) {
  if (!IsLayerId(id)) return std::nullopt;
  const auto digest = DigestFromHex(id);
  if (!digest) return std::nullopt;
  return std::string(AsText(*digest));
}

std::optional<std::string> ParseLayerKey(std::string_view key) {
  if (key.size() != std::tuple_size_v<Digest>) return std::nullopt;
  return ToHex(AsBytes(key));
}

std::optional<uint64_t> ParseDecimal(std::string_view text, uint64_t max) {
  if (text.size() > 1 && text.front() == '0') return std::nullopt;
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number > max) return std::nullopt;
  return number;
}

bool IsLayerId(std::string_view id) {
  return id.size() == 2 * std::tuple_size_v<Digest> &&
         std::ranges::all_of(id, [](char c) { return (c >= 'a' && c <= 'f') || (c >= '0' && c <= '9'); });
}

bool IsComponent(std::string_view name) {
  return !name.empty() && name.size() <= 64 && IsLowerOrDigit(name.front()) &&
         std::ranges::all_of(name,
                             [](char c) { return IsLowerOrDigit(c) || c == '+' || c == '.' || c == '-'; });
}

bool IsPlainFileName(std::string_view name) {
  return !name.empty() && name.size() <= 255 && name != "." && name != ".." &&
         std::ranges::all_of(name, [](char c) { return IsPrintable(c) && c != '/'; });
}

std::string ShowKey(FamilyIndex family, std::string_view key) {
  if (family == kState && std::ranges::all_of(key, IsPrintable)) return std::string(key);
  if (family == kGenerations || family == kScans || family == kEvents) {
    if (const auto number = ParseNumberKey(key)) return std::to_string(*number);
  }
  return ToHex(AsBytes(key));
}

}  // namespace veneer::catalog
