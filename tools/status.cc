#include <CLI/CLI.hpp>

#include "fs/catalog/store.h"
#include "fs/format/utc_time.h"
#include "fs/fuse/activation.h"
#include "tools/output.h"
#include "tools/status_policy.h"
#include "tools/text.h"
#include "tools/verbs.h"

namespace veneer::tools {
namespace {

constexpr size_t kCacheBytes = 1 << 20;

// One layer of the current generation, as its own file says it is, not as the catalog does.
Status ShowLayer(const catalog::Store& store, const catalog::Catalog& catalog,
                 const crypto::TrustStore& trust, const std::string& id, Output& output, Json& layers) {
  VENEER_ASSIGN(const auto record, catalog.Layer(id));
  if (!record)
    return Fail(ErrorCode::kDamaged, "layer {} is not in the catalog{}", id, catalog::kRepairCatalog);
  VENEER_ASSIGN(const auto layer,
                store.OpenLayer(*record, trust, std::make_shared<verity::BlockCache>(kCacheBytes)));
  const format::Manifest& manifest = layer->manifest();
  Json json = {{"id", id}, {"kind", format::KindWord(manifest.kind)}, {"name", manifest.name}};
  if (manifest.kind == format::LayerKind::kPatch) {
    json["component"] = manifest.component;
    json["sequence"] = manifest.sequence;
    json["letter"] = format::SequenceLetter(manifest.sequence);
    json["restart"] = manifest.restart;
  }
  json["root_hash"] = ToHex(manifest.root_hash);
  layers.push_back(std::move(json));
  output.Line("  {:<5}  {}  {}", format::KindWord(manifest.kind), id, manifest.name);
  return {};
}

Status ShowGeneration(const catalog::Store& store, const catalog::Catalog& catalog,
                      const crypto::TrustStore& trust, Output& output) {
  VENEER_ASSIGN(const auto generation, catalog.CurrentGeneration());
  if (!generation) {
    output.Line("no generation is current; run: veneer install BASE --activate");
    return {};
  }
  output.Line("generation {} since {} ({})", generation->number, format::FormatUtcTime(generation->time),
              generation->reason);
  const std::string root = ToHex(catalog::EffectiveRoot(generation->layers));
  output.json()["effective_root"] = root;
  output.Line("effective root {}", root);
  output.Line("layers, base first:");
  Json layers = Json::array();
  std::optional<Error> damage;
  for (const std::string& id : generation->layers) {
    Status shown = ShowLayer(store, catalog, trust, id, output, layers);
    if (shown) continue;
    layers.push_back({{"id", id}, {"problem", shown.error().message()}});
    output.Line("  NOT USABLE  {}", shown.error().message());
    if (!damage) damage = std::move(shown).error();
  }
  output.json()["layers"] = std::move(layers);
  if (damage) return tl::unexpected(*damage);
  return {};
}

// Mounts that nobody says anything of, and why.
Json ShowUnknown(const std::vector<Error>& errors, Output& output) {
  Json list = Json::array();
  for (const Error& error : errors) {
    output.Line("NOT KNOWN  {}", error.message());
    list.push_back(ToUtf8(error.message()));
  }
  return list;
}

void ShowMounts(const fuse::FoundMounts& mounts, Output& output) {
  Json list = Json::array();
  for (const fuse::LiveMount& mount : mounts.live) {
    Json json = mount.status;
    json["dir"] = ToUtf8(mount.dir());
    output.Line("mounted at {}, generation {}{}, process {}", mount.dir(),
                json.value("generation", uint64_t{0}), mount.pinned() ? " (pinned)" : "",
                json.value("worker_pid", 0));
    if (json.value("worker_pid", 0) == 0)
      output.Line("  NOT SERVED  requests get EIO: {}", json.value("last_death", "its worker died"));
    list.push_back(std::move(json));
  }
  if (list.empty() && mounts.silent.empty() && mounts.unasked.empty()) output.Line("not mounted");
  output.json()["mounts"] = std::move(list);
  output.json()["silent"] = ShowUnknown(mounts.silent, output);
  output.json()["unasked"] = ShowUnknown(mounts.unasked, output);
}

Status ShowUnserved(const catalog::Store& store, const fuse::FoundMounts& mounts, Output& output) {
  Json list = Json::array();
  VENEER_ASSIGN(const auto unserved, fuse::FindUnserved(store.path(), mounts));
  for (const std::string& dir : unserved) {
    output.Line("mounted at {}", dir);
    output.Line("  NOT SERVED  its server is gone: requests wait for another, or fail");
    list.push_back(ToUtf8(dir));
  }
  output.json()["unserved"] = std::move(list);
  return {};
}

// What is on record. Where that cannot be read, the answer has none of it.
Status ShowRecord(const catalog::Store& store, Output& output) {
  VENEER_ASSIGN(const auto catalog, store.OpenCatalogForReading());
  VENEER_ASSIGN(const catalog::State state, catalog->ReadState());
  output.json().update({{"generation", state.current},
                        {"effective_root", ""},
                        {"layers", Json::array()},
                        {"pending", state.pending},
                        {"last_good", state.last_good},
                        {"problems", Json::array()},
                        {"withdrawn", Json::array()},
                        {"exposure", {{"answered", Json::array()}, {"open", Json::array()}}}});
  VENEER_ASSIGN(const auto trust, store.LoadTrust());
  const Status shown = ShowGeneration(store, *catalog, *trust, output);
  if (state.pending != 0) output.Line("generation {} waits for the next mount", state.pending);
  VENEER_ASSIGN(const auto layers, ShowProblems(store, *catalog, *trust, output));
  VENEER_TRY(ShowExposure(store, *catalog, *trust, layers, output));
  return shown;
}

// The mounts first: they serve whatever has become of the catalog.
Status ShowStatus(const Globals& globals, Output& output) {
  VENEER_ASSIGN(const catalog::Store store, catalog::Store::Open(globals.store, globals.trust));
  VENEER_ASSIGN(const auto mounts, fuse::FindMounts(store.identity(), fuse::kShowPatience));
  ShowMounts(mounts, output);
  VENEER_TRY(ShowUnserved(store, mounts, output));
  VENEER_TRY(ShowRecord(store, output));
  return mounts.AllAnswer();
}

}  // namespace

Action AddStatus(CLI::App& verb) {
  verb.description("Show what is active, and where it is mounted");
  return ShowStatus;
}

}  // namespace veneer::tools
