#include <nlohmann/json.hpp>

#include "fs/format/manifest.h"

namespace veneer::format {
namespace {

using nlohmann::ordered_json;

// Each value is an array even where it is empty, which a brace list would make null.
ordered_json Array(const std::vector<std::string>& texts) {
  ordered_json array = ordered_json::array();
  for (const std::string& text : texts) array.push_back(text);
  return array;
}

void WriteBase(const Manifest& manifest, ordered_json& object) {
  const OsInfo os = manifest.os.value_or(OsInfo{});
  object["os"]["id"] = os.id;
  object["os"]["version"] = os.version;
  object["os"]["models"] = Array(os.models);
}

ordered_json Advisories(const Manifest& manifest) {
  ordered_json advisories = ordered_json::array();
  for (const Advisory& advisory : manifest.advisories) {
    ordered_json entry;
    entry["id"] = advisory.id;
    entry["cves"] = Array(advisory.cves);
    entry["severity"] = advisory.severity;
    entry["summary"] = advisory.summary;
    advisories.push_back(std::move(entry));
  }
  return advisories;
}

void WritePatch(const Manifest& manifest, ordered_json& object) {
  const AppliesTo applies_to = manifest.applies_to.value_or(AppliesTo{});
  object["component"] = manifest.component;
  object["sequence"] = manifest.sequence;
  object["applies_to"]["id"] = applies_to.id;
  object["applies_to"]["versions"] = Array(applies_to.versions);
  object["applies_to"]["models"] = Array(applies_to.models);
  object["requires"] = Array(manifest.requires_components);
  object["advisories"] = Advisories(manifest);
  if (manifest.security_floor) object["security_floor"] = *manifest.security_floor;
  object["restart"] = Array(manifest.restart);
  object["removable"] = manifest.removable;
}

}  // namespace

std::string WriteManifest(const Manifest& manifest) {
  ordered_json object;
  object["schema"] = kManifestSchema;
  object["kind"] = KindWord(manifest.kind);
  object["name"] = manifest.name;
  object["root_hash"] = ToHex(manifest.root_hash);
  object["hash_algorithm"] = "sha256";
  object["image_size"] = manifest.image_size;
  object["tree_offset"] = manifest.tree_offset;
  object["tree_size"] = manifest.tree_size;
  object["created"] = manifest.created;
  if (manifest.kind == LayerKind::kBase) {
    WriteBase(manifest, object);
  } else {
    WritePatch(manifest, object);
  }
  // The replacing handler is the one that does not throw.
  return object.dump(2, ' ', /*ensure_ascii=*/false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace veneer::format
