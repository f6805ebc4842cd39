#include <CLI/CLI.hpp>
#include <algorithm>

#include "fs/catalog/store.h"
#include "fs/core/stack_plan.h"
#include "fs/core/withdrawal.h"
#include "fs/format/utc_time.h"
#include "tools/output.h"
#include "tools/text.h"
#include "tools/verbs.h"

namespace veneer::tools {
namespace {

Json JsonOf(const core::Candidate& layer, bool active, const std::map<std::string, std::string>& withdrawn) {
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
  const auto reason = withdrawn.find(layer.record.id);
  json["withdrawn"] = reason != withdrawn.end();
  if (reason != withdrawn.end()) json["withdrawal_reason"] = reason->second;
  return json;
}

// The trust folder is looked at only where there is something to verify: a list needs no trust otherwise.
Result<std::map<std::string, std::string>> Withdrawn(const catalog::Store& store,
                                                     const catalog::State& state) {
  if (state.withdrawn.empty()) return std::map<std::string, std::string>();
  VENEER_ASSIGN(const auto trust, store.LoadTrust());
  return core::WithdrawalReasons(store, state, *trust);
}

Status List(const Globals& globals, Output& output) {
  VENEER_ASSIGN(const catalog::Store store, catalog::Store::Open(globals.store, globals.trust));
  VENEER_ASSIGN(const auto catalog, store.OpenCatalogForReading());
  VENEER_ASSIGN(const auto current, catalog->CurrentGeneration());
  VENEER_ASSIGN(const auto records, catalog->Layers());
  VENEER_ASSIGN(const auto layers, core::CandidatesOf(records));
  VENEER_ASSIGN(const catalog::State state, catalog->ReadState());
  VENEER_ASSIGN(const auto withdrawn, Withdrawn(store, state));
  Json list = Json::array();
  for (const core::Candidate& layer : layers) {
    const bool active = current && std::find(current->layers.begin(), current->layers.end(),
                                             layer.record.id) != current->layers.end();
    output.Line("{}  {:<6} {:<5}  {}  {}", layer.record.id, active ? "active" : "",
                format::KindWord(layer.manifest.kind), format::FormatUtcTime(layer.record.installed_at),
                layer.manifest.name);
    if (const auto reason = withdrawn.find(layer.record.id); reason != withdrawn.end()) {
      output.Line("{:8}withdrawn: {}", "", reason->second);
    }
    list.push_back(JsonOf(layer, active, withdrawn));
  }
  output.json() = {{"layers", std::move(list)}};
  if (layers.empty()) {
    output.Note("{}: no layer is installed; run: veneer install FILE", globals.store);
  }
  return {};
}

}  // namespace

Action AddList(CLI::App& verb) {
  verb.description("List the installed layers");
  return List;
}

}  // namespace veneer::tools
