#include "fs/format/manifest.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "fs/format/json_object.h"
#include "fs/format/strict_json.h"
#include "fs/format/utc_time.h"

namespace veneer::format {
namespace {

constexpr size_t kMaxNameSize = 256;                  // bytes of `name`
constexpr size_t kMaxComponentSize = 64;              // characters
constexpr uint64_t kMaxPartSize = uint64_t{1} << 61;  // bytes: the sum of two fits a file offset
constexpr std::string_view kHashAlgorithm = "sha256";

Result<LayerKind> ReadKind(const JsonObject& object) {
  VENEER_ASSIGN(const std::string word, object.Text("kind"));
  if (word == KindWord(LayerKind::kBase)) return LayerKind::kBase;
  if (word == KindWord(LayerKind::kPatch)) return LayerKind::kPatch;
  return Fail(ErrorCode::kCorrupt, "kind: is neither \"base\" nor \"patch\"");
}

// The keys that say where the image and its tree are, and what authenticates them.
Status ReadImage(const JsonObject& object, Manifest& manifest) {
  VENEER_ASSIGN(const std::string algorithm, object.Text("hash_algorithm"));
  if (algorithm != kHashAlgorithm) {
    return Fail(ErrorCode::kCorrupt, "hash_algorithm: is not \"{}\"", kHashAlgorithm);
  }
  VENEER_ASSIGN(const std::string root_hash, object.Text("root_hash"));
  const auto digest = DigestFromHex(root_hash);
  if (!digest) return Fail(ErrorCode::kCorrupt, "root_hash: is not 64 hexadecimal digits");
  manifest.root_hash = *digest;

  VENEER_ASSIGN(manifest.image_size, object.Integer("image_size", kBlockSize, kMaxPartSize));
  VENEER_ASSIGN(manifest.tree_offset, object.Integer("tree_offset", kBlockSize, kMaxPartSize));
  VENEER_ASSIGN(manifest.tree_size, object.Integer("tree_size", kBlockSize, kMaxPartSize));
  if (manifest.image_size % kBlockSize != 0) {
    return Fail(ErrorCode::kCorrupt, "image_size: {} is not a multiple of {}", manifest.image_size,
                kBlockSize);
  }
  if (manifest.tree_offset != manifest.image_size) {
    return Fail(ErrorCode::kCorrupt, "tree_offset: {} is not the image_size of {}", manifest.tree_offset,
                manifest.image_size);
  }
  if (manifest.tree_size % kBlockSize != 0) {
    return Fail(ErrorCode::kCorrupt, "tree_size: {} is not a multiple of {}", manifest.tree_size, kBlockSize);
  }
  return {};
}

Result<std::string> ReadTime(const JsonObject& object, std::string_view key) {
  VENEER_ASSIGN(std::string time, object.Text(key));
  if (!IsUtcTime(time)) {
    return Fail(ErrorCode::kCorrupt, "{}: is not a UTC time such as 2026-01-31T12:00:00Z", key);
  }
  return time;
}

Status ReadBase(const JsonObject& object, Manifest& manifest) {
  VENEER_TRY(object.HasNone({"component", "sequence", "applies_to", "requires", "advisories",
                             "security_floor", "restart", "removable"},
                            "has no place in the manifest of a base"));
  VENEER_ASSIGN(const JsonObject os, object.Object("os"));
  OsInfo info;
  VENEER_ASSIGN(info.id, os.Text("id"));
  VENEER_ASSIGN(info.version, os.Text("version"));
  VENEER_ASSIGN(info.models, os.Texts("models"));
  manifest.os = std::move(info);
  return {};
}

Result<AppliesTo> ReadAppliesTo(const JsonObject& object) {
  AppliesTo applies_to;
  VENEER_ASSIGN(applies_to.id, object.Text("id"));
  VENEER_ASSIGN(applies_to.versions, object.Texts("versions"));
  VENEER_ASSIGN(applies_to.models, object.Texts("models"));
  if (applies_to.versions.empty()) {
    return Fail(ErrorCode::kCorrupt, "{}: is empty", object.PathOf("versions"));
  }
  return applies_to;
}

Result<std::vector<Advisory>> ReadAdvisories(const JsonObject& object) {
  VENEER_ASSIGN(const std::vector<JsonObject> entries, object.Objects("advisories"));
  std::vector<Advisory> advisories;
  for (const JsonObject& entry : entries) {
    Advisory advisory;
    VENEER_ASSIGN(advisory.id, entry.Text("id"));
    VENEER_ASSIGN(advisory.cves, entry.Texts("cves"));
    VENEER_ASSIGN(advisory.severity, entry.TextOrEmpty("severity"));
    VENEER_ASSIGN(advisory.summary, entry.TextOrEmpty("summary", 4096));
    advisories.push_back(std::move(advisory));
  }
  return advisories;
}

// The components that a patch names: its own and those that it requires.
Status ReadComponents(const JsonObject& object, Manifest& manifest) {
  VENEER_ASSIGN(manifest.component, object.Text("component"));
  VENEER_ASSIGN(manifest.requires_components, object.Texts("requires"));
  if (!IsComponentName(manifest.component)) {
    return Fail(ErrorCode::kCorrupt, "component: is not [a-z0-9][a-z0-9+.-]* of at most {} characters",
                kMaxComponentSize);
  }
  for (const std::string& required : manifest.requires_components) {
    if (!IsComponentName(required)) {
      return Fail(ErrorCode::kCorrupt, "requires: \"{}\" is not the name of a component", required);
    }
    if (required == manifest.component) return Fail(ErrorCode::kCorrupt, "requires: names itself");
  }
  return {};
}

Status ReadPatch(const JsonObject& object, Manifest& manifest) {
  VENEER_TRY(object.HasNone({"os"}, "has no place in the manifest of a patch"));
  VENEER_TRY(ReadComponents(object, manifest));
  VENEER_ASSIGN(const uint64_t sequence, object.Integer("sequence", 1, UINT32_MAX));
  manifest.sequence = static_cast<uint32_t>(sequence);
  VENEER_ASSIGN(const JsonObject target, object.Object("applies_to"));
  VENEER_ASSIGN(manifest.applies_to, ReadAppliesTo(target));
  VENEER_ASSIGN(manifest.advisories, ReadAdvisories(object));
  VENEER_ASSIGN(manifest.restart, object.Texts("restart"));
  if (object.Has("security_floor")) {
    // A floor above its own sequence would forbid the very patch that carries it.
    VENEER_ASSIGN(const uint64_t floor, object.Integer("security_floor", 1, manifest.sequence));
    manifest.security_floor = static_cast<uint32_t>(floor);
  }
  if (object.Has("removable")) {
    VENEER_ASSIGN(manifest.removable, object.Boolean("removable"));
  }
  return {};
}

Result<Manifest> Read(ByteSpan text) {
  VENEER_ASSIGN(const nlohmann::json value, ParseStrictJson(text, {kMaxManifestSize, kMaxManifestDepth}));
  VENEER_ASSIGN(const JsonObject object, JsonObject::Of(value));
  VENEER_TRY(object.Schema("schema", kManifestSchema));
  Manifest manifest;
  VENEER_ASSIGN(manifest.kind, ReadKind(object));
  VENEER_ASSIGN(manifest.name, object.Text("name", kMaxNameSize));
  VENEER_TRY(ReadImage(object, manifest));
  VENEER_ASSIGN(manifest.created, ReadTime(object, "created"));
  VENEER_TRY(manifest.kind == LayerKind::kBase ? ReadBase(object, manifest) : ReadPatch(object, manifest));
  return manifest;
}

}  // namespace

std::string_view KindWord(LayerKind kind) {
  return kind == LayerKind::kBase ? "base" : "patch";
}

bool IsComponentName(std::string_view name) {
  const auto is_alphanumeric = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !name.empty() && name.size() <= kMaxComponentSize && is_alphanumeric(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return is_alphanumeric(c) || c == '+' || c == '.' || c == '-'; });
}

std::string SequenceLetter(uint32_t sequence) {
  std::string letter;
  for (; sequence > 0; sequence = (sequence - 1) / 26) {
    letter.insert(letter.begin(), static_cast<char>('a' + (sequence - 1) % 26));
  }
  return letter;
}

Result<std::vector<Advisory>> ParseAdvisories(ByteSpan json) {
  VENEER_ASSIGN(const nlohmann::json value, ParseStrictJson(json, {kMaxManifestSize, kMaxManifestDepth}));
  VENEER_ASSIGN(const JsonObject object, JsonObject::Of(value));
  VENEER_TRY(object.HasOnly({"advisories"}));
  return ReadAdvisories(object);
}

Result<Manifest> ParseManifest(ByteSpan json) {
  Result<Manifest> manifest = Read(json);
  if (!manifest) return tl::unexpected<Error>(manifest.error().Within("manifest"));
  return manifest;
}

}  // namespace veneer::format
