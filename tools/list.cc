#include <CLI/CLI.hpp>
#include <algorithm>

#include "fs/catalog/store.h"
#include "fs/core/stack_plan.h"
#include "fs/format/utc_time.h"
#include "tools/output.h"
#include "tools/text.h"
#include "tools/verbs.h"

namespace veneer::tools {
namespace {

Json JsonOf(const core::Candidate& layer, bool active) {
  const format::Manifest& manifest = layer.manifest;
  Json json = {{"id", layer.record.id},
               {"slot", layer.record.slot},
               {"kind", format::KindWord(manifest.kind)},
               {"name", manifest.name},
               {"active", active},
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
  VENEER_ASSIGN(const auto current, catalog->CurrentGeneration());
  VENEER_ASSIGN(const auto records, catalog->Layers());
  VENEER_ASSIGN(const auto layers, core::CandidatesOf(records));
  Json list = Json::array();
  for (const core::Candidate& layer : layers) {
    const bool active = current && std::find(current->layers.begin(), current->layers.end(),
                                             layer.record.id) != current->layers.end();
    output.Line("{}  {:<6} {:<5}  {}  {}", layer.record.id, active ? "active" : "",
                format::KindWord(layer.manifest.kind), format::FormatUtcTime(layer.record.installed_at),
                layer.manifest.name);
    list.push_back(JsonOf(layer, active));
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
