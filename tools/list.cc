#include <CLI/CLI.hpp>
#include <algorithm>

#include "fs/catalog/store.h"
#include "fs/format/manifest.h"
#include "fs/format/utc_time.h"
#include "tools/output.h"
#include "tools/text.h"
#include "tools/verbs.h"

namespace veneer::tools {
namespace {

struct Listed {
  catalog::LayerRecord record;
  format::Manifest manifest;  // the catalog's copy: shown, not trusted
  bool active = false;        // in the current generation
};

Result<std::vector<Listed>> Layers(const catalog::Catalog& catalog) {
  VENEER_ASSIGN(const catalog::State state, catalog.ReadState());
  std::vector<std::string> active;
  if (state.current != 0) {
    VENEER_ASSIGN(const auto current, catalog.Generation(state.current));
    if (current) active = current->layers;
  }
  VENEER_ASSIGN(std::vector<catalog::LayerRecord> records, catalog.Layers());
  std::vector<Listed> layers;
  for (catalog::LayerRecord& record : records) {
    auto manifest = format::ParseManifest(AsBytes(record.manifest));
    if (!manifest) {
      return Fail(ErrorCode::kDamaged, "layer {}: the catalog's copy of its manifest: {}", record.id,
                  manifest.error().message());
    }
    const bool is_active = std::find(active.begin(), active.end(), record.id) != active.end();
    layers.push_back({std::move(record), std::move(*manifest), is_active});
  }
  return layers;
}

Json JsonOf(const Listed& layer) {
  const format::Manifest& manifest = layer.manifest;
  Json json = {{"id", layer.record.id},
               {"slot", layer.record.slot},
               {"kind", format::KindWord(manifest.kind)},
               {"name", manifest.name},
               {"active", layer.active},
               {"installed", format::FormatUtcTime(layer.record.installed_at)},
               {"file", ToUtf8(layer.record.file_name)}};
  if (manifest.kind == format::LayerKind::kPatch) {
    json["component"] = manifest.component;
    json["sequence"] = manifest.sequence;
    json["letter"] = format::SequenceLetter(manifest.sequence);
  }
  return json;
}

Status List(const Globals& globals, Output& output) {
  VENEER_ASSIGN(const catalog::Store store, catalog::Store::Open(globals.store, globals.trust));
  VENEER_ASSIGN(const auto catalog, store.OpenCatalogForReading());
  VENEER_ASSIGN(const std::vector<Listed> layers, Layers(*catalog));
  Json list = Json::array();
  for (const Listed& layer : layers) {
    output.Line("{}  {:<6} {:<5}  {}  {}", layer.record.id, layer.active ? "active" : "",
                format::KindWord(layer.manifest.kind), format::FormatUtcTime(layer.record.installed_at),
                layer.manifest.name);
    list.push_back(JsonOf(layer));
  }
  output.json() = {{"layers", std::move(list)}};
  if (layers.empty()) {
    output.Note("{}: no layer is installed; run: veneer --store {} install FILE", globals.store,
                globals.store);
  }
  return {};
}

}  // namespace

Action AddList(CLI::App& verb) {
  verb.description("List the installed layers");
  return List;
}

}  // namespace veneer::tools
