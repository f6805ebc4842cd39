// Any bytes are safe as a record of the catalog, and as a spool of events; and what is accepted says the same
// when it is written again.
//
// An input is a line of text for the key and bytes for the value; all of it is a spool as well.
#include <algorithm>
#include <string>

#include "fs/catalog/codec.h"
#include "fs/catalog/event_spool.h"
#include "tests/fuzz/require.h"

using namespace veneer;

namespace {

template <typename Record>
void RoundTrip(std::string_view key, std::string_view value,
               Result<Record> (*decode)(std::string_view, std::string_view),
               Result<catalog::Entry> (*encode)(const Record&)) {
  const auto record = decode(key, value);
  if (!record) {
    Require(record.error().code() == ErrorCode::kDamaged);
    return;
  }
  const auto written = encode(*record);
  if (!written) {
    Require(written.error().code() == ErrorCode::kUsage);  // escaped anew it may be too long
    return;
  }
  Require(written->key == key);
  const auto again = decode(written->key, written->value);
  Require(again.has_value());
  const auto twice = encode(*again);
  Require(twice && twice->key == written->key && twice->value == written->value);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const size_t end = std::min(text.find('\n'), size);
  // Keys are binary: the line has them in hexadecimal.
  const std::string_view hex = text.substr(0, end);
  const std::string_view value = text.substr(std::min(end + 1, size));
  std::string key;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    key.push_back(static_cast<char>(std::strtoul(std::string(hex.substr(i, 2)).c_str(), nullptr, 16)));
  }
  RoundTrip(key, value, catalog::DecodeLayer, catalog::EncodeLayer);
  RoundTrip(key, value, catalog::DecodeGeneration, catalog::EncodeGeneration);
  RoundTrip(key, value, catalog::DecodeEvent, catalog::EncodeEvent);
  const catalog::SpoolLines lines = catalog::ReadSpoolLines(text);
  size_t full = 0;
  for (size_t at = 0; at < size; ++at) {
    if (text[at] != '\n' && (at == 0 || text[at - 1] == '\n')) ++full;
  }
  Require(lines.events.size() + lines.lost == full);
  for (const catalog::Event& event : lines.events) Require(event.number == 0);
  return 0;
}
