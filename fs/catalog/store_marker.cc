#include "fs/catalog/store_marker.h"

#include <cstdint>
#include <nlohmann/json.hpp>

#include "fs/base/bytes.h"
#include "fs/io/file_ops.h"

namespace veneer::catalog {
namespace {

constexpr size_t kMaxMarkerSize = 4096;  // bytes

}  // namespace

Status WriteStoreMarker(const std::string& store) {
  const std::string text = fmt::format("{{\"schema\": {}}}\n", kStoreSchema);
  return io::WriteFileAtomically(fmt::format("{}/{}", store, kStoreMarker), AsBytes(text));
}

Status CheckStoreMarker(const std::string& store) {
  const std::string path = fmt::format("{}/{}", store, kStoreMarker);
  const Result<Bytes> text = io::ReadWholeFile(path, kMaxMarkerSize);
  if (!text && text.error().code() == ErrorCode::kNotFound) {
    return Fail(ErrorCode::kNotFound, "{}: not a store, it has no {}; run: veneer init", store, kStoreMarker);
  }
  if (!text && text.error().code() != ErrorCode::kCorrupt) return tl::unexpected(text.error());
  const auto marker = text ? nlohmann::json::parse(AsText(*text), nullptr, false) : nlohmann::json();
  const auto schema = marker.is_object() ? marker.find("schema") : marker.end();
  if (!marker.is_object() || schema == marker.end() || !schema->is_number_unsigned()) {
    return Fail(ErrorCode::kDamaged, "{}: damaged: it should hold {{\"schema\": {}}}", path, kStoreSchema);
  }
  if (schema->get<uint64_t>() != kStoreSchema) {
    return Fail(ErrorCode::kUnsupported, "{}: schema {} is not the {} that this program reads", path,
                schema->get<uint64_t>(), kStoreSchema);
  }
  return {};
}

}  // namespace veneer::catalog
